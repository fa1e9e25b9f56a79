//! What every handler shares: the box's façade, the options of this server, and the last look at the box.
//! It must not know routes or templates.

use std::{
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use flashnode_core::{
    access::Session,
    app::App,
    ask,
    control::{Actor, Request, StatusView},
    error::{Error, Kind, Result},
};
use tokio::sync::{Mutex, watch};

use crate::{sse::Subscribers, tries::Tries};

/// How this server is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Serve `/dev/gallery`. Only debug builds set it.
    pub gallery: bool,
    /// Plain HTTP on loopback for looking at pages while writing them: cookies lose `Secure` and `__Host-`.
    pub insecure_preview: bool,
}

/// Marks a request that came over the console's UNIX socket: the person has the machine, so no sign-in is asked.
#[derive(Clone, Copy, Debug)]
pub struct Console;

/// The shared state.
pub struct Web {
    /// The box.
    pub app: Arc<App>,
    /// How this server is run.
    pub options: Options,
    /// Who listens to `/events`.
    pub subscribers: Subscribers,
    looks: watch::Sender<Option<StatusView>>,
    looked: Mutex<Option<Instant>>,
    unlocks: Tries,
    claims: Tries,
}

/// The state as handlers extract it.
pub type Shared = Arc<Web>;

/// A look at the box may be this old: a page and its fragments do not ask the supervisor twice.
const FRESH: Duration = Duration::from_millis(900);

/// How long a page waits for the supervisor before it says that it does not answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Tries to unlock per address and minute. Argon2id makes each of them dear as well.
const UNLOCKS: NonZeroU32 = NonZeroU32::new(5).expect("not zero");

/// Tries to unlock of all addresses together a minute: there are many addresses, and one passphrase.
const UNLOCKS_OF_ALL: NonZeroU32 = NonZeroU32::new(10).expect("not zero");

/// Claim codes tried per address and minute: ten wrong ones kill the code, and they must not all be one stranger's.
const CLAIMS: NonZeroU32 = NonZeroU32::new(5).expect("not zero");

impl Web {
    /// The state of a server that has just begun.
    pub fn new(app: Arc<App>, options: Options) -> Shared {
        Arc::new(Self {
            app,
            options,
            subscribers: Subscribers::default(),
            looks: watch::Sender::new(None),
            looked: Mutex::new(None),
            unlocks: Tries::a_minute(UNLOCKS, Some(UNLOCKS_OF_ALL)),
            claims: Tries::a_minute(CLAIMS, None),
        })
    }

    /// The box as it is, at most a second old. One question at a time, however many pages ask.
    pub async fn status(&self) -> Result<StatusView> {
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|at| at.elapsed() < FRESH)
            && let Some(status) = self.looks.borrow().clone()
        {
            return Ok(status);
        }
        let ask = async { ask!(self.app.control(), &box_itself(), Request::Status => Status) };
        // Every page waits here: one that hangs must not hang them all.
        let status =
            tokio::time::timeout(PATIENCE, ask).await.map_err(|_| Error::unavailable("The supervisor"))??;
        *looked = Some(Instant::now());
        self.looks.send_if_modified(|last| {
            let news = last.as_ref().is_none_or(|last| differs(last, &status));
            *last = Some(status.clone());
            news
        });
        Ok(status)
    }

    /// Wakes when a look differs from the one before.
    pub fn watch(&self) -> watch::Receiver<Option<StatusView>> {
        self.looks.subscribe()
    }

    /// Makes the next page look again: something was just ordered.
    pub async fn forget(&self) {
        *self.looked.lock().await = None;
    }

    /// Has the supervisor write down what somebody did here. What was done is done: when it cannot be written,
    /// our own log says so.
    pub async fn record(&self, actor: &Actor, action: &str, subject: &str, detail: &str) {
        let request = Request::Record {
            action: action.to_owned(),
            subject: subject.to_owned(),
            detail: detail.to_owned(),
        };
        let ask = async { ask!(self.app.control(), actor, request => Done) };
        match tokio::time::timeout(PATIENCE, ask).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, action, "the audit log was not written"),
            Err(_) => {
                tracing::error!(action, "the audit log was not written: the supervisor does not answer")
            }
        }
    }

    /// Counts a try to unlock the box from this address.
    pub fn may_unlock(&self, address: std::net::IpAddr) -> Result<()> {
        self.unlocks.count(address)
    }

    /// Counts a try at the claim code from this address.
    pub fn may_claim(&self, address: std::net::IpAddr) -> Result<()> {
        self.claims.count(address)
    }
}

/// The moment of a look is no news.
fn differs(last: &StatusView, now: &StatusView) -> bool {
    StatusView { at: now.at, ..last.clone() } != *now
}

/// Who asks when a page asks for itself.
fn box_itself() -> Actor {
    Actor { who: "box".to_owned(), from: "app".to_owned() }
}

/// Whether an error is that of somebody who tried a door and was not let in.
pub fn failed_try(kind: Kind) -> bool {
    matches!(kind, Kind::Unauthenticated | Kind::Throttled)
}

/// Somebody whom we do not know (yet).
pub fn visitor(from: std::net::IpAddr) -> Actor {
    Actor { who: "visitor".to_owned(), from: from.to_string() }
}

/// A name as somebody typed it, fit for the audit log: short, and nothing that could pose as something else.
pub fn tried_name(name: &str) -> String {
    name.trim().chars().filter(|c| c.is_alphanumeric() || "-_. @+".contains(*c)).take(32).collect()
}

/// Who asks on behalf of a signed-in person.
pub fn actor(session: &Session, from: std::net::IpAddr) -> Actor {
    Actor { who: format!("{}:{}", session.role.as_str(), session.name), from: from.to_string() }
}
