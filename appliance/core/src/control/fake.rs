//! A supervisor made of memory, for fast tests of pages and of set-up: it keeps what it is told and remembers every request.
//!
//! It does what the real one promises in [`super`], with services that are good at once and change at a word.
//! `flows/` of the tests and the screenshots run on it; nothing of the box does.

mod answers;

mod sample;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{
    Actor, CaView, Control, EdgeView, Finding, PlaygroundView, Reply, Request, ServiceView, SetupState,
    StagedView, StatusView, UpdateView,
};
use crate::{
    audit::Entry,
    error::{Error, Kind, Result},
    node::alerts::Alarm,
    ports::runtime::LogLine,
    types::ServiceName,
};

/// A supervisor that does what a test tells it. Clones share one state.
#[derive(Clone, Debug)]
pub struct FakeControl {
    state: Arc<Mutex<FakeState>>,
}

/// Everything the fake knows; tests change it at will.
#[derive(Clone, Debug)]
pub struct FakeState {
    /// The box at a glance. `services` is what [`FakeState::services`] says.
    pub status: StatusView,
    /// Every service in full, in dependency order.
    pub services: Vec<ServiceView>,
    /// Log lines by service, oldest first.
    pub logs: BTreeMap<ServiceName, Vec<LogLine>>,
    /// Every edge.
    pub edges: Vec<EdgeView>,
    /// Every alarm, newest first.
    pub alarms: Vec<Alarm>,
    /// Versions.
    pub updates: Vec<UpdateView>,
    /// What is staged.
    pub staged: Option<StagedView>,
    /// The audit log, oldest first.
    pub audit: Vec<Entry>,
    /// What doctor finds.
    pub findings: Vec<Finding>,
    /// The CA.
    pub ca: CaView,
    /// The playground.
    pub playground: PlaygroundView,
    /// Where set-up stands.
    pub setup: SetupState,
    /// The claim code that is valid now.
    pub claim_code: Option<String>,
    /// How many more wrong claim codes are taken.
    pub claim_tries: u8,
    /// The 24 words.
    pub words: Vec<String>,
    /// The recovery passphrase, once set; it unlocks.
    pub recovery: Option<String>,
    /// Every request so far, with its actor.
    pub requests: Vec<(Actor, Request)>,
    /// The answer to the next request of these, instead of the usual one.
    pub fail_next: Option<(Kind, String)>,
    /// Whether it does not answer at all.
    pub away: bool,
}

impl FakeControl {
    /// A regtest box that is set up and good: bitcoind, electrs and LND run, BTCPay cannot be had.
    pub fn good() -> Self {
        Self::over(sample::good())
    }

    /// A new box that waits for its claim code, `ABCDE-FGHJK`.
    pub fn fresh() -> Self {
        Self::over(sample::fresh())
    }

    fn over(state: FakeState) -> Self {
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Reads or changes the state.
    pub fn with<T>(&self, change: impl FnOnce(&mut FakeState) -> T) -> T {
        change(&mut self.lock())
    }

    /// Every request so far, with its actor.
    pub fn requests(&self) -> Vec<(Actor, Request)> {
        self.lock().requests.clone()
    }

    /// Sets one service's health; the status shows it too.
    pub fn set_health(&self, name: &str, health: crate::node::health::Health) {
        self.with(|state| {
            for service in state.services.iter_mut().filter(|s| s.line.name.as_str() == name) {
                service.line.health = health.clone();
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, FakeState> {
        // A test that panicked has its own message; the state is plain data.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for FakeControl {
    fn default() -> Self {
        Self::good()
    }
}

#[async_trait]
impl Control for FakeControl {
    async fn ask(&self, actor: &Actor, request: Request) -> Result<Reply> {
        let mut state = self.lock();
        if state.away {
            return Err(Error::unavailable("The supervisor"));
        }
        state.requests.push((actor.clone(), request.clone()));
        if let Some((kind, sentence)) = state.fail_next.take() {
            return Err(Error::new(kind, sentence));
        }
        answers::answer(&mut state, actor, request)
    }
}
