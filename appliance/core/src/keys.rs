//! The one phrase, the master key and its keyslots, and what is derived from them.
//!
//! One random master key per box, wrapped in keyslots. From it come the database keys and the sealing of the root:
//! 24 words, made before any daemon starts, from which every service's own key material is derived one-way.
//! Knows no database and no service.
//!
//! | row | owns |
//! | --- | --- |
//! | [`code`] | codes that people type |
//! | [`seal`] | derivation by label, sealing and opening |
//! | [`root`] | the words and their children (BIP39, BIP85) |
//! | [`keyslots`] | the wrapped master key as a file |
//! | `files` | writing that a power cut cannot halve |
//! | [`vault`] | the folder `keys/` |

pub mod code;

pub mod seal;

pub mod root;

pub mod keyslots;

mod files;

pub mod vault;

use std::path::PathBuf;

use crate::error::{Error, Kind};

pub use root::Purpose;
pub use vault::{RootState, Vault};

/// Why the keys do not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// There is no vault in this folder.
    #[error("there are no keys in {0}")]
    None(PathBuf),
    /// There is one already.
    #[error("there are keys in {0} already")]
    Exists(PathBuf),
    /// A sealed root without the keyslots that open it.
    #[error("{0} holds a sealed root, but its keyslots are gone: put them back from a copy")]
    Orphaned(PathBuf),
    /// A file is not what we wrote.
    #[error("{file} is damaged: {why}")]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
    /// The auto-unlock file does not open the box.
    #[error("the box is locked: {0}")]
    Locked(&'static str),
    /// The passphrase does not open the box.
    #[error("this passphrase does not open the box")]
    WrongPassphrase,
    /// The box has no recovery passphrase yet.
    #[error("no recovery passphrase was set for this box")]
    NoPassphrase,
    /// The passphrase is not one we would take.
    #[error("a recovery passphrase has 12 to 1024 characters")]
    BadPassphrase,
    /// The words have been confirmed.
    #[error("the 24 words have been confirmed and are never shown again")]
    Confirmed,
    /// The words have not been confirmed.
    #[error("the 24 words have not been confirmed yet")]
    NotConfirmed,
    /// The words asked for were not given right.
    #[error("these are not the words at those places")]
    WrongWords,
    /// What was sealed does not open with this key and this purpose.
    #[error("a sealed value does not open: it was changed, or belongs to another box or purpose")]
    Unsealable,
    /// The operating system gives no randomness, or a derivation failed, which has a chance of 2^-127.
    #[error("key material could not be made")]
    Derive(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A file or folder does not let us.
    #[error("cannot read or write {path}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl From<KeysError> for Error {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Locked(_) => Error::new(
                Kind::Locked,
                "This box is locked. Unlock it with the recovery passphrase; its services keep running meanwhile.",
            )
            .keyed("error-locked")
            .caused_by(error),
            KeysError::WrongPassphrase => {
                Error::invalid("That passphrase does not open this box. Check it and try again.")
                    .keyed("error-wrong-passphrase")
            }
            KeysError::NoPassphrase => {
                Error::conflict("No recovery passphrase was set for this box, so it cannot be unlocked with one.")
                    .keyed("error-no-passphrase")
            }
            KeysError::BadPassphrase => {
                Error::invalid("A recovery passphrase has 12 to 1024 characters. Choose another one.")
                    .keyed("error-bad-passphrase")
            }
            KeysError::Confirmed => Error::conflict(
                "The 24 words have been confirmed. The box never shows them again; use what you wrote down.",
            )
            .keyed("error-words-confirmed"),
            KeysError::NotConfirmed => {
                Error::conflict("The 24 words have not been confirmed yet. Confirm them first.")
                    .keyed("error-words-not-confirmed")
            }
            KeysError::WrongWords => {
                Error::invalid("Those are not the words at these places. Look at your paper and try again.")
                    .keyed("error-wrong-words")
            }
            other => Error::internal("using its keys", other),
        }
    }
}
