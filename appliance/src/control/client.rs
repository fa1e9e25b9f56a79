//! The pages' and the command line's side of the control socket: one connection a question.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use async_trait::async_trait;
use flashnode_core::{
    control::{Actor, Control, Reply, Request},
    error::{Error, Kind, Result},
};
use tokio::{net::UnixStream, time::timeout};

use super::{
    frame::{self, REPLY_MAX, REQUEST_MAX},
    message::Question,
};

/// The supervisor's socket in a box's folder.
pub fn socket_of(box_dir: &Path) -> PathBuf {
    box_dir.join("run/supervisor.sock")
}

/// The supervisor, over its socket.
#[derive(Clone, Debug)]
pub struct ControlClient {
    path: PathBuf,
    connect: Duration,
    answer: Duration,
}

impl ControlClient {
    /// A client of the supervisor that listens at `path`; nothing is opened yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        // A little longer than the server's own patience, so that its sentence arrives.
        Self { path: path.into(), connect: Duration::from_secs(3), answer: Duration::from_secs(130) }
    }

    async fn exchange(&self, question: &Question) -> Result<Reply> {
        let body = serde_json::to_vec(question).map_err(|e| Error::internal("writing a request", e))?;
        let mut stream = match timeout(self.connect, UnixStream::connect(&self.path)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(not_yours(error));
            }
            Ok(Err(error)) => return Err(away(error)),
            Err(elapsed) => return Err(away(elapsed)),
        };
        let written = frame::write(&mut stream, &body, REQUEST_MAX).await;
        // A supervisor that is busy says so and closes without reading: what it said is there, though writing failed.
        let reply = match (frame::read(&mut stream, REPLY_MAX).await, written) {
            (Ok(Some(reply)), _) => reply,
            (_, Err(error)) | (Err(error), _) => return Err(away(error)),
            (Ok(None), Ok(())) => return Err(away(io::Error::from(io::ErrorKind::UnexpectedEof))),
        };
        serde_json::from_slice(&reply).map_err(|error| Error {
            sentence:
                "The supervisor's answer is not understood here. The program and the supervisor may be of \
                       different versions: restart the supervisor."
                    .to_owned(),
            ..Error::internal("reading an answer", error)
        })
    }
}

/// Nobody listens. The word that the exit code 3 goes by.
fn away(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(
        Kind::Unavailable,
        "The supervisor is not answering. Services that run go on running. Start it with `systemctl start \
         flashnode`, or with `flashnode supervise` where there is no systemd.",
    )
    .keyed(AWAY)
    .caused_by(cause)
}

/// The message key of the error that says the supervisor is away.
pub const AWAY: &str = "error-supervisor-away";

fn not_yours(cause: io::Error) -> Error {
    Error::new(
        Kind::Forbidden,
        "This user may not talk to the box. Run the command as root, or as the user that runs the supervisor.",
    )
    .caused_by(cause)
}

#[async_trait]
impl Control for ControlClient {
    async fn ask(&self, actor: &Actor, request: Request) -> Result<Reply> {
        let question = Question { actor: actor.clone(), request };
        match timeout(self.answer, self.exchange(&question)).await {
            Ok(Ok(Reply::Failed { kind, sentence, key })) => {
                Err(Error { key: key.and_then(known), ..Error::new(kind, sentence) })
            }
            Ok(done) => done,
            Err(elapsed) => Err(away(elapsed)),
        }
    }
}

/// A message key as errors carry it. The supervisor has some dozens of them; each is kept once, for good.
fn known(key: String) -> Option<&'static str> {
    static KEYS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut keys = KEYS.lock().ok()?;
    if let Some(key) = keys.get(key.as_str()) {
        return Some(key);
    }
    let fits = keys.len() < 1_000 && key.len() <= 64;
    fits.then(|| {
        let key: &'static str = key.leak();
        keys.insert(key);
        key
    })
}
