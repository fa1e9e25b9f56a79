//! How a command ended: a sentence for the person, a code for scripts.

use std::process::ExitCode;

use flashnode_core::{
    config::BadConfig,
    error::{Error, Kind, chain},
};

use crate::{control::client::AWAY, roles::app::CannotListen};

/// It failed.
pub const FAILED: u8 = 1;
/// The command is wrong; clap uses the same.
pub const USAGE: u8 = 2;
/// The supervisor is not answering.
pub const AWAY_CODE: u8 = 3;
/// Not good in time.
pub const NOT_GOOD: u8 = 4;
/// Refused, or it clashes with the state of the box.
pub const REFUSED: u8 = 5;

/// Why a command did not do what it was asked.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// For the person; empty when everything has been said.
    pub sentence: String,
}

impl Failure {
    /// This code with this sentence.
    pub fn new(code: u8, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into() }
    }

    /// The boot file cannot be used. The parser's line and reason are part of what the person needs.
    pub fn config(error: BadConfig) -> Self {
        Self::new(FAILED, format!("{}. Correct the file and try again.", chain(&error).trim_end()))
    }

    /// A role ended with an error; its whole chain goes to the log, which is stderr.
    pub fn role(error: &anyhow::Error) -> Self {
        let code = if error.downcast_ref::<CannotListen>().is_some() { REFUSED } else { FAILED };
        Self::new(code, format!("{error:#}"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match error.kind {
            _ if error.key == Some(AWAY) => AWAY_CODE,
            Kind::Unavailable | Kind::Internal => FAILED,
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::Conflict
            | Kind::Throttled
            | Kind::Locked => REFUSED,
        };
        Self::new(code, error.sentence)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        // `flashnode logs | head` is no failure: the reader has had enough.
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new(0, "");
        }
        Self::new(FAILED, format!("{error}"))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::new(FAILED, format!("The answer could not be written as JSON: {error}."))
    }
}

/// Prints the sentence, gives the code.
pub fn report(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { code, sentence }) => {
            if !sentence.is_empty() {
                eprintln!("flashnode: {sentence}");
            }
            ExitCode::from(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_their_codes() {
        let of = |error: Error| Failure::from(error).code;
        assert_eq!(of(Error::conflict("x")), REFUSED);
        assert_eq!(of(Error::unavailable("electrs")), FAILED);
        assert_eq!(of(Error::new(Kind::Unavailable, "x").keyed(AWAY)), AWAY_CODE);
        assert_eq!(Failure::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe)).code, 0);
    }
}
