//! Typed alarms: what kind, about what, since when, and whether somebody has seen it.
//! An alarm that no longer stands stays in the list until it is acknowledged.

pub mod store;

use serde::{Deserialize, Serialize};

use crate::types::{ServiceName, Timestamp};

/// What an alarm is about. Pages have a title and advice for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// It crashed again and again; we go on trying, slowly.
    CrashLoop,
    /// It did not answer within its time.
    DoesNotAnswer,
    /// A change did not become good and was taken back.
    Reverted,
    /// Its data is damaged; a rebuild is offered.
    DataDamaged,
    /// LND does not take its wallet password.
    WalletPassword,
    /// The disk is nearly full; indexers are stopped.
    DiskLow,
    /// The clock is wrong.
    ClockWrong,
    /// The engine does not answer.
    EngineAway,
    /// A version in use was revoked.
    Revoked,
    /// The state database was damaged; the last snapshot is in use.
    Rescue,
    /// Somebody else's program listens on a port of the box.
    PortTaken,
    /// A rotation could not be finished.
    RotationStuck,
}

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Its number.
    pub id: i64,
    /// What it is about.
    pub kind: AlarmKind,
    /// The service, when it is about one.
    pub service: Option<ServiceName>,
    /// What happened, in a sentence.
    pub sentence: String,
    /// When it was raised.
    pub since: Timestamp,
    /// When it stopped being true.
    pub gone: Option<Timestamp>,
    /// When somebody saw it.
    pub acknowledged: Option<Timestamp>,
}

impl Alarm {
    /// Whether a person still has to know.
    pub fn needs_attention(&self) -> bool {
        self.acknowledged.is_none()
    }
}
