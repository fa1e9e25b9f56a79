//! The connection to the engine: found when it is needed, forgotten when it fails, so that an engine which is away
//! at start or is restarted is simply found again. Every call has its time.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bollard::{API_DEFAULT_VERSION, Docker, errors::Error, models::SystemVersion};
use flashnode_core::ports::{PortError, PortResult};
use tokio::time::timeout;

/// The oldest API we speak: Docker 20.10.
const OLDEST_API: (u32, u32) = (1, 41);

/// Where engines listen when nothing else is said.
const SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/podman/podman.sock"];

/// How long an engine may take to say what it is.
const GREETS_WITHIN: Duration = Duration::from_secs(5);

/// How long bollard waits for the first byte of an ordinary answer, in seconds.
const FIRST_BYTE_S: u64 = 120;

/// One engine.
pub(super) struct Engine {
    candidates: Vec<String>,
    found: Mutex<Option<Docker>>,
}

impl Engine {
    /// Reads where engines may be; connects to none.
    pub(super) fn find() -> PortResult<Self> {
        let host = std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty());
        if let Some(host) = &host {
            let known = ["unix://", "tcp://", "http://"].iter().any(|scheme| host.starts_with(scheme));
            let sentence = || {
                format!("DOCKER_HOST is '{host}', which is no address of an engine: use unix:// or tcp://.")
            };
            known.then_some(()).ok_or_else(|| PortError::Failed(sentence()))?;
        }
        let candidates =
            host.map_or_else(|| SOCKETS.map(|path| format!("unix://{path}")).to_vec(), |host| vec![host]);
        Ok(Self { candidates, found: Mutex::new(None) })
    }

    /// `docker 20.10.24, API 1.41`.
    pub(super) async fn describe(&self) -> PortResult<String> {
        // Asked anew: a remembered engine may have gone since.
        self.forget();
        let (_, version) = self.greet().await?;
        let podman = version.components.iter().flatten().any(|part| part.name.contains("Podman"));
        let (engine, unknown) =
            (if podman { "podman" } else { "docker" }, || "of unknown version".to_owned());
        let api = version.api_version.unwrap_or_else(unknown);
        Ok(format!("{engine} {}, API {api}", version.version.unwrap_or_else(unknown)))
    }

    /// Asks the engine something, within this time.
    pub(super) async fn call<T>(
        &self,
        within: Duration,
        ask: impl AsyncFnOnce(Docker) -> Result<T, Error>,
    ) -> PortResult<T> {
        let docker = self.client().await?;
        let answer = timeout(within, ask(docker)).await.unwrap_or(Err(Error::RequestTimeoutError));
        answer.map_err(|error| self.understand(error))
    }

    /// A client of the engine, for answers that come in pieces.
    pub(super) async fn client(&self) -> PortResult<Docker> {
        if let Some(docker) = self.found.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(docker);
        }
        Ok(self.greet().await?.0)
    }

    /// Turns bollard's error into the port's; a lost engine is looked for anew.
    pub(super) fn understand(&self, error: Error) -> PortError {
        match error {
            Error::DockerResponseServerError { message, .. } => PortError::Failed(message),
            Error::DockerStreamError { error } => PortError::Failed(error),
            other => {
                self.forget();
                PortError::Unreachable(format!(
                    "The container engine does not answer ({other}). We keep trying."
                ))
            }
        }
    }

    fn forget(&self) {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn greet(&self) -> PortResult<(Docker, SystemVersion)> {
        let mut why = String::new();
        for candidate in &self.candidates {
            match greet(candidate).await {
                Ok((docker, version)) => {
                    *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(docker.clone());
                    return Ok((docker, version));
                }
                Err(reason) => why.push_str(&format!(" {candidate}: {reason}.")),
            }
        }
        Err(PortError::Unreachable(format!("No container engine answers.{why}")))
    }
}

async fn greet(host: &str) -> Result<(Docker, SystemVersion), String> {
    if host.strip_prefix("unix://").is_some_and(|path| !Path::new(path).exists()) {
        return Err("there is no such socket".to_owned());
    }
    let docker = match host.strip_prefix("unix://") {
        Some(path) => Docker::connect_with_unix(path, FIRST_BYTE_S, API_DEFAULT_VERSION),
        None => Docker::connect_with_http(host, FIRST_BYTE_S, API_DEFAULT_VERSION),
    };
    let docker = docker.map_err(|error| error.to_string())?;
    let asked = timeout(GREETS_WITHIN, docker.version()).await;
    let version = asked.map_err(|_| "no answer in time".to_owned())?.map_err(|error| error.to_string())?;
    let api = version.api_version.as_deref().and_then(parse_api);
    if api.is_none_or(|api| api < OLDEST_API) {
        let (major, minor) = OLDEST_API;
        let theirs = version.api_version.as_deref().unwrap_or("unknown");
        return Err(format!("its API is {theirs}, and we need {major}.{minor} (Docker 20.10) or newer"));
    }
    // From here on both sides speak the older of their two newest versions.
    let negotiated = timeout(GREETS_WITHIN, docker.negotiate_version()).await;
    let docker =
        negotiated.map_err(|_| "no answer in time".to_owned())?.map_err(|error| error.to_string())?;
    Ok((docker, version))
}

fn parse_api(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// What is not there is an answer, not an error.
pub(super) fn is_absent<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        other => other.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(parse_api("1.9").expect("a version") < OLDEST_API);
        assert!(parse_api("1.41").expect("a version") >= OLDEST_API);
        assert!(parse_api("1.100").expect("a version") >= OLDEST_API);
        assert_eq!(parse_api("latest"), None);
    }

    #[tokio::test]
    async fn an_engine_that_is_away_says_so_at_once() {
        let engine = Engine {
            candidates: vec!["unix:///nonexistent/docker.sock".to_owned()],
            found: Mutex::new(None),
        };
        let error = engine.describe().await.expect_err("nothing is there");
        assert!(
            matches!(&error, PortError::Unreachable(text) if text.contains("/nonexistent/docker.sock")),
            "{error}"
        );
    }
}
