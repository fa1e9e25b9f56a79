//! The runtime without an engine: each service in a bubblewrap sandbox under a small shim of its own.
//!
//! The supervisor only starts shims, signals programs and reads what shims wrote; it holds no pipe and no child
//! that a service would miss. So a restart of the supervisor, or its end, changes nothing for a service.
//! Everything about a service lies in `BOX/services/NAME/run/`.

mod cgroup;
mod keeper;
mod logfile;
mod record;
mod sandbox;
pub mod shim;
mod usage;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use flashnode_core::{
    ports::{
        PortError, PortResult,
        runtime::{ImageRef, Instance, LogFrom, LogPage, Runtime, Spec, Usage},
    },
    types::ServiceName,
};
use keeper::Keeper;
use tokio::{process::Command, time::timeout};

/// How long bubblewrap may take to show that it works.
const PROOF_WITHIN: Duration = Duration::from_secs(10);

/// Services as plain processes. Any number of values may look at the same box; one supervisor acts on it.
#[derive(Clone)]
pub struct ProcessRuntime {
    images: PathBuf,
    keeper: Arc<Keeper>,
}

impl ProcessRuntime {
    /// A runtime for the box in `box_dir`, whose built roots are in `images` and whose shims are started as
    /// `SHIM shim --spec FILE --dir DIR`. Touches nothing yet.
    pub fn new(box_dir: PathBuf, box_name: String, images: PathBuf, shim: PathBuf) -> Self {
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        let keeper = Keeper::new(absolute(box_dir), &box_name, absolute(shim));
        Self { images: absolute(images), keeper: Arc::new(keeper) }
    }

    fn root(&self, image: &ImageRef) -> PortResult<Option<PathBuf>> {
        match image {
            ImageRef::Host => Ok(None),
            ImageRef::Built { name, hash } => {
                let root = self.images.join(name).join(hash).join("root");
                let missing =
                    format!("{name} has not been built yet. Run 'images/build.sh {name}' to build it.");
                if root.join("usr").is_dir() { Ok(Some(root)) } else { Err(PortError::Failed(missing)) }
            }
            ImageRef::Pulled { reference } => Err(PortError::Failed(format!(
                "{reference} can only be had by pulling it, which needs a container engine. \
                 This box runs its services without one, so this service stays off; nothing else is affected."
            ))),
        }
    }

    /// Files and short waits would hold up the other tasks of this thread.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Keeper) -> PortResult<T> + Send + 'static,
    ) -> PortResult<T> {
        let keeper = Arc::clone(&self.keeper);
        let done = tokio::task::spawn_blocking(move || work(&keeper)).await;
        done.map_err(|error| PortError::Failed(format!("The work was cut short: {error}")))?
    }
}

#[async_trait]
impl Runtime for ProcessRuntime {
    async fn describe(&self) -> PortResult<String> {
        let missing = || {
            let sentence =
                "bubblewrap is not installed. Install it with 'apt install bubblewrap', or install Docker.";
            PortError::Unreachable(sentence.to_owned())
        };
        let program = sandbox::bubblewrap().ok_or_else(missing)?;
        let version = bubblewrap(&program, &["--version"]).await?;
        let proof = [
            "--unshare-pid",
            "--ro-bind",
            "/",
            "/",
            "--dev",
            "/dev",
            "--proc",
            "/proc",
            "--",
            "/bin/sh",
            "-c",
            ":",
        ];
        bubblewrap(&program, &proof).await?;
        Ok(format!("process ({})", version.trim()))
    }

    async fn prepare(&self, image: &ImageRef) -> PortResult<()> {
        self.root(image).map(|_| ())
    }

    async fn observe(&self) -> PortResult<BTreeMap<ServiceName, Instance>> {
        self.apart(Keeper::observe).await
    }

    async fn start(&self, spec: &Spec) -> PortResult<()> {
        let root = self.root(&spec.image)?;
        let spec = spec.clone();
        self.apart(move |keeper| keeper.start(spec, root)).await
    }

    async fn stop(&self, service: &ServiceName, grace: Duration) -> PortResult<()> {
        self.keeper.stop(service, grace).await
    }

    async fn usage(&self, service: &ServiceName) -> PortResult<Usage> {
        let service = service.clone();
        self.apart(move |keeper| keeper.usage(&service)).await
    }

    async fn log(&self, service: &ServiceName, from: LogFrom, limit: usize) -> PortResult<LogPage> {
        let service = service.clone();
        self.apart(move |keeper| keeper.log(&service, &from, limit)).await
    }

    async fn remove(&self, service: &ServiceName) -> PortResult<()> {
        let service = service.clone();
        self.apart(move |keeper| keeper.remove(&service)).await
    }
}

/// Runs bubblewrap to its end and answers with what it printed.
async fn bubblewrap(program: &Path, arguments: &[&str]) -> PortResult<String> {
    let unusable = |why: String| {
        PortError::Unreachable(format!(
            "bubblewrap does not work on this machine: {}. Namespaces may be switched off here; \
             run the supervisor as root, or install Docker.",
            why.trim()
        ))
    };
    let run = Command::new(program).args(arguments).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(PROOF_WITHIN, run).await.map_err(|_| unusable("it does not end".to_owned()))?;
    let output = output.map_err(|error| unusable(error.to_string()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(unusable(String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}
