//! Snapshots: a whole, consistent copy of a living SQLite database, encrypted with the same key.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    Backend, Store, StoreError,
    sqlite::{empty_file, file, put_in_place, remove, sibling},
};
use crate::{
    ports::clock::{Clock, SystemClock},
    types::Timestamp,
};

impl Store {
    /// Writes a snapshot to this file, which is either complete or not there.
    pub async fn snapshot(&self, to: &Path) -> Result<(), StoreError> {
        let Backend::Sqlite { .. } = self.backend else { return Err(StoreError::NoSnapshots) };
        let half = sibling(to, ".part");
        let text = half.to_str().ok_or_else(|| StoreError::Path(half.clone()))?.to_owned();
        remove(&half)?;
        empty_file(&half)?;
        sqlx::query("VACUUM INTO $1").bind(text).execute(&self.pool).await?;
        put_in_place(&half, to)
    }

    /// Writes a snapshot into this folder and keeps the newest `keep` of them. Answers with its path.
    pub async fn snapshot_rotating(&self, dir: &Path, keep: usize) -> Result<PathBuf, StoreError> {
        file(dir, fs::create_dir_all(dir))?;
        let there = list(dir)?;
        // A clock that was set back must not make the newest snapshot look old.
        let newest = there.first().map_or(0, |(at, _)| at.0);
        let at = SystemClock.now().0.max(newest.saturating_add(1));
        let path = dir.join(format!("{at:015}.db"));
        self.snapshot(&path).await?;
        for (_, old) in there.iter().skip(keep.max(1) - 1) {
            remove(old)?;
        }
        Ok(path)
    }
}

/// The snapshots in a folder, newest first, with the moment that each was taken at.
pub(super) fn list(dir: &Path) -> Result<Vec<(Timestamp, PathBuf)>, StoreError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => file(dir, other)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = file(dir, entry)?.path();
        let digits =
            path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".db"));
        if let Some(at) = digits.and_then(|digits| digits.parse().ok()) {
            found.push((Timestamp(at), path));
        }
    }
    found.sort_by(|a, b| b.cmp(a));
    Ok(found)
}
