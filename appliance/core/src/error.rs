//! Errors of the box: a kind that code decides on, and one calm sentence that a person reads.

use serde::{Deserialize, Serialize};

/// What went wrong, coarsely: it chooses the HTTP status and the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The request itself is wrong; asking again the same way will not help.
    Invalid,
    /// Nobody is signed in, or not strongly enough.
    Unauthenticated,
    /// Signed in, but this role may not.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// It clashes with the state of the box now.
    Conflict,
    /// Too many tries.
    Throttled,
    /// The box is locked.
    Locked,
    /// Something we need does not answer yet.
    Unavailable,
    /// Our own fault.
    Internal,
}

/// An error with a sentence for the owner; the source is for the log and is never repeated in the sentence.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct Error {
    /// What to decide on.
    pub kind: Kind,
    /// What happened, what we are doing, what the person can do. English; pages translate by `key`.
    pub sentence: String,
    /// The message key of the sentence in `locales/`, when it has one.
    pub key: Option<&'static str>,
    /// The cause, for the log.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A result whose error can be shown to the owner.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of this kind with this sentence.
    pub fn new(kind: Kind, sentence: impl Into<String>) -> Self {
        Self { kind, sentence: sentence.into(), key: None, source: None }
    }

    /// The request is wrong.
    pub fn invalid(sentence: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, sentence)
    }

    /// There is no such thing.
    pub fn not_found(sentence: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, sentence)
    }

    /// It clashes with the state of the box.
    pub fn conflict(sentence: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, sentence)
    }

    /// `what` does not answer yet.
    pub fn unavailable(what: impl std::fmt::Display) -> Self {
        Self::new(Kind::Unavailable, format!("{what} is not answering yet. We keep trying."))
    }

    /// A failure of ours while doing `what`, caused by `source`.
    pub fn internal(what: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            kind: Kind::Internal,
            sentence: format!("Something went wrong on the box while {what}. The log has the details."),
            key: None,
            source: Some(source.into()),
        }
    }

    /// The same error, told through this message key.
    pub fn keyed(mut self, key: &'static str) -> Self {
        self.key = Some(key);
        self
    }

    /// The same error with its cause attached.
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

/// An error and all its causes on one line, for the log.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

impl From<sqlx::Error> for Error {
    fn from(source: sqlx::Error) -> Self {
        Error::internal("reading or writing its database", source)
    }
}
