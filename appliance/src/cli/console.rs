//! The app's own API over its console socket: what needs the app's database is asked there, as the person who has
//! the machine. HTTP, because it is the same router that serves the pages.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use axum::body::Bytes;
use flashnode_core::error::Kind;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{
    net::UnixStream,
    time::{Instant, sleep, timeout},
};

use crate::adapters::logline::LineCutter;

use super::exit::{AWAY_CODE, FAILED, Failure, REFUSED};

/// How long the app may take to come up: it starts with the supervisor.
const COMES_UP: Duration = Duration::from_secs(30);

/// How long it may work: set-up hashes passwords and asks the supervisor several times.
const WORKS: Duration = Duration::from_secs(180);

/// The longest answer, in bytes.
const ANSWER_MAX: usize = 1 << 20;

/// The console's socket in a box's folder.
pub fn socket_of(box_dir: &Path) -> PathBuf {
    box_dir.join("services/app/data/console.sock")
}

/// Posts JSON and reads JSON.
pub async fn post<A: Serialize, B: DeserializeOwned>(
    box_dir: &Path,
    path: &str,
    ask: &A,
) -> Result<B, Failure> {
    let stream = connect(&socket_of(box_dir)).await?;
    let broken = |error: &dyn std::fmt::Display| {
        Failure::new(
            FAILED,
            format!("The pages broke off while answering ({error}). Look at `flashnode logs app`."),
        )
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| broken(&e))?;
    let driver = tokio::spawn(connection);
    let request = Request::post(path)
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(serde_json::to_vec(ask)?)))
        .map_err(|e| broken(&e))?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|e| broken(&e))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await.map_err(|e| broken(&e))?;
        Ok::<_, Failure>((status, body.to_bytes()))
    };
    let (status, body) = timeout(WORKS, exchange).await.map_err(|elapsed| broken(&elapsed))??;
    driver.abort();
    read(status, &body)
}

async fn connect(path: &Path) -> Result<UnixStream, Failure> {
    let until = Instant::now() + COMES_UP;
    loop {
        match UnixStream::connect(path).await {
            Ok(stream) => return Ok(stream),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                let sentence = "This user may not talk to the box. Run the command as root, or as the user that runs \
                                the supervisor.";
                return Err(Failure::new(REFUSED, sentence));
            }
            Err(_) if Instant::now() < until => sleep(Duration::from_millis(250)).await,
            Err(_) => {
                let sentence = "The pages are not answering. See `flashnode status`, and start the supervisor where it \
                                does not run.";
                return Err(Failure::new(AWAY_CODE, sentence));
            }
        }
    }
}

#[derive(Deserialize)]
struct Wrong {
    error: Told,
}

#[derive(Deserialize)]
struct Told {
    kind: String,
    sentence: String,
}

fn read<B: DeserializeOwned>(status: StatusCode, body: &[u8]) -> Result<B, Failure> {
    if status.is_success() {
        return serde_json::from_slice(body).map_err(|_| {
            Failure::new(FAILED, "The answer of the pages is not understood: are both of one version?")
        });
    }
    let Ok(Wrong { error }) = serde_json::from_slice::<Wrong>(body) else {
        return Err(Failure::new(FAILED, format!("The pages answered with {status} and no reason.")));
    };
    let kind = serde_json::from_value::<Kind>(error.kind.into()).ok();
    let code = if matches!(kind, Some(Kind::Unavailable | Kind::Internal)) { FAILED } else { REFUSED };
    Err(Failure::new(code, plain(&error.sentence)))
}

/// The app's word without what would repaint the terminal: the app stands where attackers come first.
fn plain(sentence: &str) -> String {
    let mut cutter = LineCutter::default();
    let mut lines = Vec::new();
    cutter.push(sentence.as_bytes(), |line| lines.push(line));
    lines.extend(cutter.finish());
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_sentence_and_gets_its_code() {
        let body = br#"{"error":{"kind":"conflict","sentence":"This box is already set up."}}"#;
        let failure = read::<serde_json::Value>(StatusCode::CONFLICT, body).expect_err("refused");
        assert_eq!(failure, Failure::new(REFUSED, "This box is already set up."));
        let failure = read::<serde_json::Value>(StatusCode::BAD_GATEWAY, b"<html>").expect_err("no reason");
        assert_eq!(failure.code, FAILED);
    }

    #[test]
    fn a_sentence_cannot_repaint_the_terminal() {
        let body = br#"{"error":{"kind":"conflict","sentence":"No.\u001b[2J\u001b]0;owned\u0007 Really\u0008\nno."}}"#;
        let failure = read::<serde_json::Value>(StatusCode::CONFLICT, body).expect_err("refused");
        assert_eq!(failure.sentence, "No. Really no.");
    }

    #[tokio::test]
    async fn json_goes_there_and_back() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = socket_of(dir.path());
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        let listener = tokio::net::UnixListener::bind(&path).expect("bound");
        let router = axum::Router::new().route(
            "/echo",
            axum::routing::post(|axum::Json(ask): axum::Json<serde_json::Value>| async { axum::Json(ask) }),
        );
        tokio::spawn(async { axum::serve(listener, router).await });
        let asked = serde_json::json!({ "a": 1 });
        let answer: serde_json::Value = post(dir.path(), "/echo", &asked).await.expect("answered");
        assert_eq!(answer, asked);
    }
}
