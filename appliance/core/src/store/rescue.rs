//! What happens when a database is damaged or gone: the damaged file is put aside, never deleted,
//! and the newest snapshot that is whole takes its place.
//!
//! Every step can be cut off and done again: the journals go aside first (an old journal must never be
//! played into another file), then the file, then a copy of the snapshot moves in whole.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    DbKey, Store, StoreError, snapshot,
    sqlite::{empty_file, file, put_in_place, remove, sibling},
};
use crate::{
    ports::clock::{Clock, SystemClock},
    types::Timestamp,
};

/// What a rescue did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RescueNote {
    /// Where the damaged file lies now; none when the file was gone.
    pub damaged: Option<PathBuf>,
    /// The snapshot in use.
    pub snapshot: PathBuf,
    /// When that snapshot was taken.
    pub taken: Timestamp,
    /// What was wrong.
    pub reason: String,
}

impl RescueNote {
    /// For the alarm and the status page.
    pub fn sentence(&self) -> String {
        let aside = match &self.damaged {
            Some(path) => format!(" The damaged file is kept at {}.", path.display()),
            None => String::new(),
        };
        format!(
            "The state database was damaged ({}). The box runs on the snapshot of {}; later changes are lost.{aside}",
            self.reason,
            self.taken.rfc3339()
        )
    }
}

impl Store {
    /// Opens the file; when it is damaged, or gone although there are snapshots, goes on with the newest snapshot that is whole.
    /// Without a usable one the first error is returned and nothing is moved: with a wrong key all of them look damaged.
    pub async fn open_or_rescue(
        path: &Path,
        key: &DbKey,
        snapshots: &Path,
    ) -> Result<(Self, Option<RescueNote>), StoreError> {
        let gone = !file(path, path.try_exists())?;
        let found = snapshot::list(snapshots)?;
        let reason = if gone && !found.is_empty() {
            StoreError::Damaged { path: path.to_owned(), source: "the file is gone".into() }
        } else {
            match Store::open_sqlite(path, key).await {
                Ok(store) => return Ok((store, None)),
                Err(error @ StoreError::Damaged { .. }) => error,
                Err(other) => return Err(other),
            }
        };
        for (taken, snapshot) in found {
            if let Some(copy) = usable_copy(path, &snapshot, key).await? {
                let damaged = put_aside(path)?;
                put_in_place(&copy, path)?;
                let note = RescueNote { damaged, snapshot, taken, reason: cause(&reason) };
                tracing::error!(database = %path.display(), "{}", note.sentence());
                return Ok((Store::open_sqlite(path, key).await?, Some(note)));
            }
        }
        Err(reason)
    }
}

/// Copies the snapshot beside the database and opens the copy once; none when the snapshot is damaged too.
async fn usable_copy(path: &Path, snapshot: &Path, key: &DbKey) -> Result<Option<PathBuf>, StoreError> {
    let copy = sibling(path, ".rescue");
    for leftover in [sibling(&copy, "-wal"), sibling(&copy, "-shm")] {
        remove(&leftover)?;
    }
    empty_file(&copy)?;
    file(snapshot, fs::copy(snapshot, &copy))?;
    match Store::open_sqlite(&copy, key).await {
        Ok(store) => {
            store.close().await;
            Ok(Some(copy))
        }
        Err(StoreError::Damaged { .. }) => remove(&copy).map(|()| None),
        Err(other) => Err(other),
    }
}

/// Moves the journals and then the file itself out of the way; answers with the file's new place.
fn put_aside(path: &Path) -> Result<Option<PathBuf>, StoreError> {
    let aside = sibling(path, &format!(".damaged-{}", SystemClock.now().0));
    for ending in ["-wal", "-shm"] {
        move_if_there(&sibling(path, ending), &sibling(&aside, ending))?;
    }
    Ok(move_if_there(path, &aside)?.then_some(aside))
}

fn move_if_there(from: &Path, to: &Path) -> Result<bool, StoreError> {
    match fs::rename(from, to) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(StoreError::File { path: from.to_owned(), source }),
    }
}

fn cause(error: &StoreError) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}
