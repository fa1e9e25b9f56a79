//! Images: pulled by digest, or imported from a built root folder, once for each.

use std::{path::Path, process::Stdio, time::Duration};

use bollard::{
    Docker, body_try_stream, errors::Error, models::CreateImageInfo, query_parameters::CreateImageOptions,
};
use flashnode_core::ports::{PortError, PortResult};
use futures::{Stream, StreamExt, stream};
use hyper::body::Bytes;
use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
    time::timeout,
};

use super::engine::{Engine, is_absent};

/// How long a look at an image may take.
const LOOK_WITHIN: Duration = Duration::from_secs(30);

/// How long an import may take: the engine says nothing until it is done.
const IMPORT_WITHIN: Duration = Duration::from_secs(20 * 60);

/// How long a pull may be silent.
const SILENT_FOR: Duration = Duration::from_secs(120);

/// What an imported root is called.
pub(super) fn tag(name: &str, hash: &str) -> String {
    format!("flashnode/{name}:{hash}")
}

async fn is_there(engine: &Engine, name: &str) -> PortResult<bool> {
    let found = engine.call(LOOK_WITHIN, async |docker| is_absent(docker.inspect_image(name).await)).await?;
    Ok(found.is_some())
}

/// Pulls `repository:tag@sha256:digest`, unless it is there.
pub(super) async fn pull(engine: &Engine, reference: &str) -> PortResult<()> {
    if !reference.contains("@sha256:") {
        return Err(PortError::Failed(format!(
            "{reference} names no digest, so it is not pulled: a tag can change."
        )));
    }
    if is_there(engine, reference).await? {
        return Ok(());
    }
    let docker = engine.client().await?;
    let options = CreateImageOptions { from_image: Some(reference.to_owned()), ..Default::default() };
    let progress = docker.create_image(Some(options), None, None);
    follow(progress, SILENT_FOR).await.map_err(|error| {
        PortError::Failed(format!(
            "{reference} cannot be pulled: {}. This service stays off until it can; nothing else is affected.",
            engine.understand(error)
        ))
    })
}

/// Imports `root` as [`tag`], unless it is there.
pub(super) async fn import(engine: &Engine, root: &Path, name: &str, hash: &str) -> PortResult<()> {
    if is_there(engine, &tag(name, hash)).await? {
        return Ok(());
    }
    if !root.join("usr").is_dir() {
        let sentence = format!("{name} has not been built yet. Run 'images/build.sh {name}' to build it.");
        return Err(PortError::Failed(sentence));
    }
    let failed =
        |why: String| PortError::Failed(format!("{name} could not be handed to the container engine: {why}"));
    let archive = archive(root).map_err(|error| failed(error.to_string()))?;
    let docker: Docker = engine.client().await?.with_timeout(IMPORT_WITHIN);
    let options = CreateImageOptions {
        from_src: Some("-".to_owned()),
        repo: Some(format!("flashnode/{name}")),
        tag: Some(hash.to_owned()),
        ..Default::default()
    };
    let progress = docker.create_image(Some(options), Some(body_try_stream(archive)), None);
    follow(progress, IMPORT_WITHIN).await.map_err(|error| failed(engine.understand(error).to_string()))
}

async fn follow(
    progress: impl Stream<Item = Result<CreateImageInfo, Error>>,
    silent_for: Duration,
) -> Result<(), Error> {
    let mut progress = std::pin::pin!(progress);
    while let Some(step) =
        timeout(silent_for, progress.next()).await.map_err(|_| Error::RequestTimeoutError)?
    {
        step?;
    }
    Ok(())
}

/// The root as a tar stream, with its owners and modes. It ends with an error when `tar` does, so that the engine
/// throws away what it has instead of keeping half a root.
fn archive(root: &Path) -> std::io::Result<impl Stream<Item = std::io::Result<Bytes>> + Send + 'static> {
    let child = Command::new("tar")
        .args(["--create", "--numeric-owner", "--file=-", "--directory"])
        .arg(root)
        .arg(".")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    Ok(stream::try_unfold(Some(child), next_piece))
}

async fn next_piece(child: Option<Child>) -> std::io::Result<Option<(Bytes, Option<Child>)>> {
    let Some(mut child) = child else { return Ok(None) };
    let mut piece = Vec::with_capacity(256 * 1024);
    let count = match child.stdout.as_mut() {
        Some(output) => output.read_buf(&mut piece).await?,
        None => 0,
    };
    if count > 0 {
        return Ok(Some((Bytes::from(piece), Some(child))));
    }
    let status = child.wait().await?;
    if status.success() { Ok(None) } else { Err(std::io::Error::other(format!("tar ended with {status}"))) }
}
