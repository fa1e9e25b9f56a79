//! Our words for programs that are not ours. One file per foreign thing, one small trait each;
//! adapters live in `appliance/src/adapters`, and every port has one conformance suite that all of them pass.

pub mod authority;
pub mod bitcoin;
pub mod clock;
pub mod database;
pub mod electrum;
pub mod lightning;
pub mod machine;
pub mod runtime;
pub mod web;

/// Why a foreign program did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// It does not answer, or not in time.
    #[error("{0}")]
    Unreachable(String),
    /// It answers that it is still starting; the text is its own.
    #[error("{0}")]
    Starting(String),
    /// It refuses our credential.
    #[error("credential refused: {0}")]
    Refused(String),
    /// It answers, but not with what we asked for.
    #[error("{0}")]
    Failed(String),
}

/// A result from a foreign program.
pub type PortResult<T> = Result<T, PortError>;
