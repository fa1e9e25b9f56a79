//! The runtime: whatever starts, stops and watches services for us (an engine, or plain processes).
//!
//! A [`Spec`] is complete: a runtime makes no choices. Files of a spec lie on the host under
//! `services/NAME/specs/HASH/` before `start` is called, so that both runtimes mount the same folders
//! and an older spec can be started again as it was.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::PortResult;
use crate::types::{ServiceName, SpecHash, Timestamp};

/// Where a service's program comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum ImageRef {
    /// Pulled: `repository:tag@sha256:digest`, digest of the index.
    Pulled {
        /// The whole reference, digest included.
        reference: String,
    },
    /// Built from `images/NAME` with this recipe hash; its root folder is `IMAGES/NAME/HASH/root`.
    Built {
        /// The recipe.
        name: String,
        /// The recipe hash.
        hash: String,
    },
    /// The host's own file system, read-only: our own roles run from it.
    Host,
}

/// Which of a service's folders a mount shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// The folder or file on the host.
    pub host: PathBuf,
    /// Where the service sees it.
    pub inside: PathBuf,
    /// Whether it may write there.
    pub writable: bool,
}

/// A port that a service listens on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedPort {
    /// The port the program listens on, as it sees it.
    pub inside: u16,
    /// The port on the host; under the process runtime both are the same.
    pub host: u16,
    /// Whether the world may reach it, or only this machine.
    pub world: bool,
}

/// What a service may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory in MiB, hard.
    pub memory_mib: u64,
    /// Processes and threads.
    pub pids: u32,
    /// Open files.
    pub files: u64,
}

/// A file of the spec, written before the service starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecFile {
    /// Its name under the spec's folder, for example `lnd.conf` or `tls.key`.
    pub name: String,
    /// Its contents. Every file is treated as secret: 0400, owned by the service's user.
    pub contents: crate::types::Secret<String>,
}

/// A service as it shall run, complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The service.
    pub service: ServiceName,
    /// The hash over everything below and the contents of its files; it names the folder of the files.
    pub hash: SpecHash,
    /// The program's root.
    pub image: ImageRef,
    /// The program and its arguments, no secrets among them.
    pub command: Vec<String>,
    /// Environment, no secrets among it.
    pub env: BTreeMap<String, String>,
    /// Folders it sees. The folder of the spec's files is among them, at `/config`.
    pub mounts: Vec<Mount>,
    /// Ports it listens on.
    pub ports: Vec<PublishedPort>,
    /// The user id it runs as; 0 only where the supervisor itself is not root and cannot change it.
    pub user: u32,
    /// What it may use.
    pub limits: Limits,
    /// How long it has between TERM and KILL.
    pub stop_grace: Duration,
    /// Whether it must run as a plain process with the host's network identity (our own roles).
    pub on_host: bool,
}

/// Why a service ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// The exit code, when it exited.
    pub code: Option<i32>,
    /// The signal number, when a signal ended it.
    pub signal: Option<i32>,
    /// Whether it had used up its memory.
    pub out_of_memory: bool,
    /// When.
    pub at: Timestamp,
    /// Whether we asked for it.
    pub asked: bool,
}

impl Exit {
    /// The cause in plain words: `exit code 1`, `killed by signal 9`.
    pub fn cause(&self) -> String {
        match (self.out_of_memory, self.signal, self.code) {
            (true, ..) => "it used more memory than its limit".to_owned(),
            (_, Some(signal), _) => format!("killed by signal {signal}"),
            (_, _, Some(code)) => format!("exit code {code}"),
            _ => "it ended without a record".to_owned(),
        }
    }
}

/// A service as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// What it was started with.
    pub spec: SpecHash,
    /// Running, or how it ended.
    pub state: InstanceState,
}

/// Running or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum InstanceState {
    /// It runs.
    Running {
        /// Since when.
        since: Timestamp,
        /// The process id of the service's program on the host, when known.
        pid: Option<u32>,
    },
    /// It ended.
    Exited {
        /// How.
        exit: Exit,
    },
}

/// What a running service uses now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Memory in bytes.
    pub memory: u64,
    /// CPU time used since its start, in milliseconds.
    pub cpu_ms: u64,
}

/// A piece of a service's log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// Lines without their line ends, oldest first; control characters other than tab are removed,
    /// and a line over 16 KiB is cut with a mark.
    pub lines: Vec<LogLine>,
    /// Where to go on; opaque.
    pub next: String,
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When we received it.
    pub at: Timestamp,
    /// The text.
    pub text: String,
}

/// Where to start reading a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFrom {
    /// The last lines there are.
    Tail,
    /// After this cursor (`LogPage::next`). An empty one stands before the oldest line that is kept.
    Cursor(String),
}

/// The most text in one page of a log, in bytes: however many lines were asked for, the page ends with the line
/// that passes this. From a cursor the rest comes with `next`; of a tail the newest lines are kept.
pub const LOG_PAGE_MAX: usize = 2 * 1024 * 1024;

/// The longest log line kept, in bytes.
pub const LOG_LINE_MAX: usize = 16 * 1024;

/// Starts, stops and watches services. Every call may be repeated; none retries by itself.
#[async_trait]
pub trait Runtime: Send + Sync {
    /// `docker 20.10.24, API 1.41` or `process (bubblewrap 0.8.0)`; an error when it cannot be used now.
    async fn describe(&self) -> PortResult<String>;

    /// Makes the image ready to start: pulls by digest, imports a built root, or checks that it is there.
    /// The error says in a sentence why it cannot be had.
    async fn prepare(&self, image: &ImageRef) -> PortResult<()>;

    /// Every service of this box that this runtime knows, running or ended.
    async fn observe(&self) -> PortResult<BTreeMap<ServiceName, Instance>>;

    /// Starts the service with this spec, whose files are already in place. An ended instance is replaced;
    /// a running one with the same hash is left alone; a running one with another hash is an error.
    async fn start(&self, spec: &Spec) -> PortResult<()>;

    /// Asks the service to end and kills it when its grace is over. Returns once it has ended; its exit and log stay.
    async fn stop(&self, service: &ServiceName, grace: Duration) -> PortResult<()>;

    /// What it uses now.
    async fn usage(&self, service: &ServiceName) -> PortResult<Usage>;

    /// At most `limit` lines of its log, and about [`LOG_PAGE_MAX`] of text.
    async fn log(&self, service: &ServiceName, from: LogFrom, limit: usize) -> PortResult<LogPage>;

    /// Forgets the service: instance, exit record and log. Its volumes stay.
    async fn remove(&self, service: &ServiceName) -> PortResult<()>;
}
