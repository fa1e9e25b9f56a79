//! The supervisor's side of the control socket.
//!
//! An order is not undone because the one who gave it hung up or lost patience: it runs in a task of its own,
//! and only the waiting for its answer ends.

use std::{
    io,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    sync::Arc,
    time::Duration,
};

use flashnode_core::{
    control::{Control, Reply},
    error::{Error, Kind},
};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    frame::{self, FrameError, REPLY_MAX, REQUEST_MAX},
    message::{Allowed, Peer, Question, admit, failed},
};
use crate::users;

/// How patient the server is, and with how many.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections of the app at once; one more is told so and closed.
    pub connections: usize,
    /// Connections of the console at once, apart from the app's: the app cannot lock root out.
    pub console: usize,
    /// How long a connection may say nothing, or take to say something.
    pub idle: Duration,
    /// How long an answer may take before the asker is told to look later.
    pub answer: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 64, console: 16, idle: Duration::from_secs(30), answer: Duration::from_secs(120) }
    }
}

/// Makes the socket so that only root, the supervisor and the app can open it.
///
/// It is made beside its place and renamed over it: there is no moment with wrong rights, and a socket that
/// a killed supervisor left behind is replaced. A supervisor that still answers is not.
pub fn bind(path: &Path, allowed: Allowed) -> io::Result<UnixListener> {
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another supervisor answers on this box's socket",
        ));
    }
    let fresh = path.with_extension("new");
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&fresh)?;
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o660))?;
    if allowed.app != allowed.supervisor {
        chown(&fresh, Some(allowed.app), None)?;
    }
    std::fs::rename(&fresh, path)?;
    Ok(listener)
}

/// Answers until `shutdown`. The socket's file stays; the next supervisor replaces it.
pub async fn serve(
    listener: UnixListener,
    control: Arc<dyn Control>,
    allowed: Allowed,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let places = Places::new(limits);
    loop {
        let stream = tokio::select! {
            () = shutdown.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    warn!(%error, "the control socket could not take a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await; // out of files: let some close
                    continue;
                }
            },
        };
        let peer = peer_of(&stream, allowed);
        let place = peer.as_ref().ok().and_then(|(peer, _)| places.take(*peer));
        let (control, shutdown) = (control.clone(), shutdown.clone());
        tokio::spawn(async move {
            let conversation = async {
                match (peer, place) {
                    (Err(uid), _) => {
                        warn!(uid, "user {uid} tried to reach the supervisor and was refused");
                        refuse(stream, limits, &stranger()).await;
                    }
                    (Ok(_), None) => refuse(stream, limits, &busy()).await,
                    (Ok((peer, user)), Some(_place)) => converse(stream, &control, peer, &user, limits).await,
                }
            };
            tokio::select! { () = shutdown.cancelled() => {}, () = conversation => {} }
        });
    }
}

/// The console's places and the app's, apart.
pub(super) struct Places {
    app: Arc<Semaphore>,
    console: Arc<Semaphore>,
}

impl Places {
    pub(super) fn new(limits: Limits) -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self { app: places(limits.connections), console: places(limits.console) }
    }

    pub(super) fn take(&self, peer: Peer) -> Option<OwnedSemaphorePermit> {
        let places = if peer == Peer::Console { &self.console } else { &self.app };
        places.clone().try_acquire_owned().ok()
    }
}

fn peer_of(stream: &UnixStream, allowed: Allowed) -> Result<(Peer, String), u32> {
    let uid = stream.peer_cred().map_err(|_| u32::MAX)?.uid();
    allowed.peer(uid).map(|peer| (peer, users::name_of(uid))).ok_or(uid)
}

fn busy() -> Error {
    Error::new(
        Kind::Unavailable,
        "The supervisor is talking to too many others right now. Try again in a moment.",
    )
}

fn stranger() -> Error {
    Error::new(
        Kind::Forbidden,
        "This user may not give orders to the box. Run the command as root, or as the user that runs the supervisor.",
    )
}

async fn refuse(mut stream: UnixStream, limits: Limits, error: &Error) {
    let _ = timeout(limits.idle, send(&mut stream, &failed(error))).await; // it is closed either way
}

async fn converse(
    mut stream: UnixStream,
    control: &Arc<dyn Control>,
    peer: Peer,
    user: &str,
    limits: Limits,
) {
    loop {
        let body = match timeout(limits.idle, frame::read(&mut stream, REQUEST_MAX)).await {
            Ok(Ok(Some(body))) => body,
            Ok(Ok(None)) | Err(_) => return,
            Ok(Err(error @ FrameError::TooLong { .. })) => {
                let said = Error::invalid(format!("The request is too long: {error}. Nothing was done."));
                return refuse(stream, limits, &said).await;
            }
            Ok(Err(FrameError::Io(_))) => return,
        };
        let Ok(question) = serde_json::from_slice::<Question>(&body) else {
            let said = Error::invalid(
                "The supervisor does not understand this request. The program and the supervisor may be of \
                 different versions: restart the supervisor.",
            );
            return refuse(stream, limits, &said).await;
        };
        let reply = answer(control, peer, user, question, limits).await;
        match timeout(limits.idle, send(&mut stream, &reply)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return debug!(%error, "a reply was not taken: {error}"),
            Err(_) => return,
        }
    }
}

async fn answer(
    control: &Arc<dyn Control>,
    peer: Peer,
    user: &str,
    question: Question,
    limits: Limits,
) -> Reply {
    let (actor, request) = match admit(peer, user, question) {
        Ok(admitted) => admitted,
        Err(error) => return failed(&error),
    };
    let control = control.clone();
    let work = tokio::spawn(async move { control.ask(&actor, request).await });
    match timeout(limits.answer, work).await {
        Ok(Ok(Ok(reply))) => reply,
        Ok(Ok(Err(error))) => {
            if error.kind == Kind::Internal {
                let cause = flashnode_core::error::chain(&error);
                warn!(error = %cause, "an order failed: {cause}");
            }
            failed(&error)
        }
        Ok(Err(join)) => failed(&Error::internal("answering a request", join)),
        Err(_) => failed(&Error::new(
            Kind::Unavailable,
            "This takes longer than usual. It goes on by itself; `flashnode status` shows how far it is.",
        )),
    }
}

async fn send(stream: &mut UnixStream, reply: &Reply) -> Result<(), FrameError> {
    let body = serde_json::to_vec(reply).map_err(io::Error::other)?;
    match frame::write(stream, &body, REPLY_MAX).await {
        Err(FrameError::TooLong { .. }) => {
            let said = failed(&Error::invalid("The answer is too long to send. Ask for less at once."));
            let body = serde_json::to_vec(&said).map_err(io::Error::other)?;
            frame::write(stream, &body, REPLY_MAX).await
        }
        done => done,
    }
}
