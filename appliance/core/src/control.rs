//! What the supervisor answers to pages and the command line: the whole of its socket API, typed.
//!
//! The list is short on purpose: a taken-over `app` can ask for these things and nothing else.
//! Views carry no secrets, save the three calls of set-up that must hand words to the person once.

#[cfg(any(test, feature = "fakes"))]
pub mod fake;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    audit::Entry,
    error::{Error, Kind, Result},
    node::{alerts::Alarm, health::Health},
    ports::runtime::{Exit, LogFrom, LogPage, Usage},
    types::{EdgeName, Generation, Network, Secret, ServiceName, Timestamp},
};

/// Who asks, for the audit log. The socket's peer credentials say which process it is; this says on whose behalf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// `owner:ana`, `cli:root`, `box`.
    pub who: String,
    /// The address of the browser, or `console`.
    pub from: String,
}

/// A question or order to the supervisor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
#[expect(missing_docs, reason = "a field says what its variant's line says")]
pub enum Request {
    /// The whole box. → `Status`
    Status,
    /// One service. → `Service`
    Service { name: ServiceName },
    /// A piece of a log. `search` keeps lines that contain it, case-insensitively. → `Log`
    Log { name: ServiceName, from: LogFrom, limit: usize, search: Option<String> },
    /// Start, stop or restart. → `Done`
    Act { name: ServiceName, verb: Verb },
    /// Every edge. → `Edges`
    Edges,
    /// Rotates one credential; with `dry_run` only says what it will restart. → `Rotation`
    Rotate { edge: EdgeName, dry_run: bool },
    /// Stages a change and answers with what it would do. → `Staged`
    Stage { change: Change },
    /// What is staged now. → `Staged`
    Staged,
    /// Commits what is staged, when it is still the thing that was read. → `Done`
    Apply { staged: String },
    /// Drops what is staged. → `Done`
    Discard,
    /// Alarms, newest first, acknowledged ones too. → `Alarms`
    Alarms,
    /// Marks an alarm as seen. → `Done`
    Acknowledge { id: i64 },
    /// What is pinned against what the catalog offers. → `Updates`
    Updates,
    /// A new claim code; only the console may ask. → `Words`
    NewClaimCode,
    /// Uses up the claim code. → `Done`
    Claim { code: Secret<String> },
    /// Makes the root seed and shows its 24 words, again until they are confirmed, never after. → `Words`
    RootWords,
    /// Confirms words by position (1-based) and seals the root for good. → `Done`
    ConfirmRoot { words: Vec<(u8, Secret<String>)> },
    /// Sets the recovery passphrase keyslot. → `Done`
    SetRecovery { passphrase: Secret<String> },
    /// Fixes network and services, commits generation 1. → `Done`
    Commit { network: Network, services: ServiceChoice },
    /// Where set-up stands, as far as the supervisor knows. → `SetupState`
    SetupState,
    /// Unlocks a locked box. → `Done`
    Unlock { passphrase: Secret<String> },
    /// Rebuilds a service's derived data (electrs' index) from nothing. → `Done`
    Rebuild { name: ServiceName },
    /// The box's CA certificate and fingerprint. → `Ca`
    Ca,
    /// Health of the machine beneath. → `Findings`
    Doctor,
    /// Regtest only. → `Playground`
    Playground { order: PlaygroundOrder },
    /// Adds an entry to the audit log on behalf of the app. → `Done`
    Record { action: String, subject: String, detail: String },
    /// A page of the audit log, newest first, before this sequence number. → `Audit`
    Audit { before: Option<i64>, limit: usize },
    /// Recomputes the audit log's hash chain. → `Verified`
    VerifyAudit,
}

/// An order for one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Run it.
    Start,
    /// Stop it and keep it stopped.
    Stop,
    /// Stop it and run it again.
    Restart,
}

/// Which services a box runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceChoice {
    /// `core` or `knots`.
    pub bitcoind_flavour: Flavour,
    /// Keep only the newest blocks, this many MiB; excludes electrs.
    pub prune_mib: Option<u64>,
    /// Optional services that are wanted.
    pub optional: Vec<ServiceName>,
}

/// The two bitcoind programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flavour {
    /// Bitcoin Core.
    Core,
    /// Bitcoin Knots.
    Knots,
}

/// A change to the wanted state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
#[expect(missing_docs, reason = "a field says what its variant's line says")]
pub enum Change {
    /// Switch an optional service on or off.
    Service { name: ServiceName, wanted: bool },
    /// Use the version that the catalog offers now.
    Update { name: ServiceName },
    /// Replace the whole choice.
    Choice { services: ServiceChoice },
}

/// An order to the playground.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "order")]
#[expect(missing_docs, reason = "a field says what its variant's line says")]
pub enum PlaygroundOrder {
    /// Mine this many blocks.
    Mine { blocks: u32 },
    /// Send sats from the faucet.
    Fund { address: String, sats: u64 },
    /// What there is.
    Info,
}

/// The supervisor's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reply", content = "with")]
#[expect(missing_docs, reason = "a field says what its variant's line says")]
pub enum Reply {
    /// It is done, or under way; `Status` shows it.
    Done,
    /// The whole box.
    Status(StatusView),
    /// One service.
    Service(Box<ServiceView>),
    /// Log lines.
    Log(LogPage),
    /// Every edge.
    Edges(Vec<EdgeView>),
    /// What a rotation does, or did.
    Rotation(RotationView),
    /// What is staged; `None` when nothing is.
    Staged(Option<StagedView>),
    /// Alarms.
    Alarms(Vec<Alarm>),
    /// Updates.
    Updates(Vec<UpdateView>),
    /// Words or a code, shown to the person once.
    Words(Secret<String>),
    /// Where set-up stands.
    SetupState(SetupState),
    /// The CA.
    Ca(CaView),
    /// What `doctor` found; empty is healthy.
    Findings(Vec<Finding>),
    /// The playground.
    Playground(PlaygroundView),
    /// Audit entries, newest first.
    Audit(Vec<Entry>),
    /// How many audit entries were verified, and the first that does not match.
    Verified { entries: u64, broken_at: Option<i64> },
    /// It was refused or failed; with the message key of the sentence, when it has one.
    Failed {
        kind: Kind,
        sentence: String,
        #[serde(default)]
        key: Option<String>,
    },
}

/// The whole box at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusView {
    /// The box's name.
    pub name: String,
    /// Its network, once set up.
    pub network: Option<Network>,
    /// The committed generation; 0 before set-up.
    pub generation: Generation,
    /// Whether the master key is missing.
    pub locked: bool,
    /// Set when the state database was damaged and the last snapshot is in use.
    pub rescue: Option<String>,
    /// `docker 20.10.24 …`, `process …`, or why none can be used.
    pub runtime: String,
    /// Height of the chain, once bitcoind answers.
    pub block_height: Option<u64>,
    /// Services in dependency order, our own `app` left out.
    pub services: Vec<ServiceLine>,
    /// Alarms that nobody has acknowledged and that still stand.
    pub alarms: Vec<Alarm>,
    /// Free and total bytes where the box keeps its data.
    pub disk: DiskView,
    /// When this was true.
    pub at: Timestamp,
}

impl StatusView {
    /// Good: set up, unlocked, and every wanted service that can be had is good.
    pub fn is_good(&self) -> bool {
        self.generation > Generation(0)
            && !self.locked
            && self.services.iter().all(|s| !s.wanted || s.unavailable.is_some() || s.health == Health::Good)
    }
}

/// Space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskView {
    /// Bytes free.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
}

/// A service in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceLine {
    /// Its name.
    pub name: ServiceName,
    /// `Knots`, `Core`, or nothing.
    pub flavour: Option<String>,
    /// Version of the image it runs or will run.
    pub version: String,
    /// Whether the owner wants it to run.
    pub wanted: bool,
    /// Whether the owner may switch it off.
    pub optional: bool,
    /// How it is: `"health": "good"`, with `basis_points` or `sentence` beside it.
    #[serde(flatten)]
    pub health: Health,
    /// Why it cannot be had here, in a sentence.
    pub unavailable: Option<String>,
    /// Seconds left while loading, when they can be told.
    pub seconds_left: Option<u64>,
    /// What it waits for or why it was last restarted, in a sentence.
    pub note: Option<String>,
}

/// One service in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceView {
    /// The line of the list.
    pub line: ServiceLine,
    /// Since when it runs.
    pub since: Option<Timestamp>,
    /// Process id of its program, when known.
    pub pid: Option<u32>,
    /// What it uses.
    pub usage: Option<Usage>,
    /// Its memory limit in MiB.
    pub memory_limit_mib: u64,
    /// What it needs.
    pub needs: Vec<ServiceName>,
    /// What needs it.
    pub needed_by: Vec<ServiceName>,
    /// Seconds it may take to stop.
    pub stop_grace_s: u64,
    /// Ports on this machine: (what for, port, whether the world may reach it).
    pub ports: Vec<(String, u16, bool)>,
    /// Crashes in a row.
    pub crashes: u32,
    /// The last exit nobody asked for, with the last lines before it.
    pub last_exit: Option<(Exit, Vec<String>)>,
    /// What the last plan said about it.
    pub plan: String,
    /// Edges in which it is the provider.
    pub gives: Vec<EdgeView>,
    /// Edges in which it is the consumer.
    pub takes: Vec<EdgeView>,
    /// Set when its last change was taken back, with the reason.
    pub reverted: Option<String>,
    /// Whether its data can be rebuilt from nothing.
    pub rebuildable: bool,
}

/// An edge as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeView {
    /// `electrs:bitcoind`.
    pub edge: EdgeName,
    /// `rpcauth`, `macaroon` or `role`.
    pub credential: String,
    /// What it allows: RPC methods, `uri:` permissions, or a database.
    pub allows: Vec<String>,
    /// When the credential in use was made; `None` before it exists.
    pub since: Option<Timestamp>,
    /// Whether a rotation is under way.
    pub rotating: bool,
    /// Services that a rotation restarts.
    pub restarts: Vec<ServiceName>,
}

/// A rotation, planned or begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationView {
    /// The edge.
    pub edge: EdgeName,
    /// Services that restart, in order.
    pub restarts: Vec<ServiceName>,
    /// Whether it has begun.
    pub begun: bool,
}

/// A staged change as it can be read before it is applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedView {
    /// Names exactly this content; `Apply` must repeat it.
    pub id: String,
    /// What changes, a line each: `electrs: 0.11.0 → 0.11.1`.
    pub lines: Vec<String>,
    /// Services that restart.
    pub restarts: Vec<ServiceName>,
    /// When it was staged.
    pub at: Timestamp,
}

/// A service's version against the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateView {
    /// The service.
    pub name: ServiceName,
    /// What it runs.
    pub pinned: String,
    /// What the catalog offers.
    pub offered: String,
    /// Where the image comes from: `pulled` or `built`.
    pub source: String,
    /// Whether they differ.
    pub update: bool,
    /// Why what it runs, or what is offered, must not be used.
    pub revoked: Option<String>,
    /// Why the offered image cannot be had here.
    pub unavailable: Option<String>,
}

/// Where set-up stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupState {
    /// The claim code has been used.
    pub claimed: bool,
    /// The words have been confirmed.
    pub root_confirmed: bool,
    /// The recovery passphrase is set.
    pub recovery_set: bool,
    /// Generation 1 is committed.
    pub committed: bool,
}

/// The box's certificate authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaView {
    /// PEM.
    pub pem: String,
    /// SHA-256 over the DER, hex.
    pub fingerprint: String,
}

/// One thing that `doctor` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at: `disk`, `clock`, `memory`, `ports`, `engine`, `versions`, `certificates`, `permissions`, `encryption`.
    pub check: String,
    /// Whether it endangers the box, or is only worth knowing.
    pub severe: bool,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub advice: String,
}

/// The playground.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaygroundView {
    /// Height of the chain.
    pub height: u64,
    /// Sats in the faucet.
    pub faucet_sats: u64,
    /// The outside node's public key, once it answers.
    pub outside: Option<String>,
    /// Capacity and our balance of the channel to it, in sats, once it is open.
    pub channel: Option<(u64, u64)>,
    /// The transaction that `Fund` sent.
    pub txid: Option<String>,
}

/// The supervisor as pages and the command line hold it: over its socket, or a fake.
#[async_trait]
pub trait Control: Send + Sync {
    /// Asks; `Reply::Failed` comes back as an `Err`.
    async fn ask(&self, actor: &Actor, request: Request) -> Result<Reply>;
}

/// The answer was not of the kind that the question has.
pub fn unexpected(reply: &Reply) -> Error {
    let got = format!("{reply:?}");
    Error::internal("talking to its supervisor", got.split(['(', ' ']).next().unwrap_or("nothing").to_owned())
}

/// Asks and unpacks one kind of answer: `ask!(control, actor, Request::Status => Status)`.
#[macro_export]
macro_rules! ask {
    ($control:expr, $actor:expr, $request:expr => Done) => {
        match $control.ask($actor, $request).await? {
            $crate::control::Reply::Done => Ok::<(), $crate::error::Error>(()),
            other => Err($crate::control::unexpected(&other)),
        }
    };
    ($control:expr, $actor:expr, $request:expr => $kind:ident) => {
        match $control.ask($actor, $request).await? {
            $crate::control::Reply::$kind(with) => Ok::<_, $crate::error::Error>(with),
            other => Err($crate::control::unexpected(&other)),
        }
    };
}
