//! Small secret files, written so that a power cut leaves the old one or the new one, whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use zeroize::Zeroizing;

use super::KeysError;

/// Makes a folder that only we can enter.
pub(super) fn make_dir(dir: &Path) -> Result<(), KeysError> {
    named(dir, fs::DirBuilder::new().recursive(true).mode(0o700).create(dir))
}

/// Replaces a file: temporary name, fsync, rename, fsync of the folder.
pub(super) fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), KeysError> {
    let fresh = path.with_extension("new");
    remove(&fresh)?;
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    named(path, write())?;
    sync_dir(path)
}

/// Removes a file that may not be there, durably.
pub(super) fn remove(path: &Path) -> Result<(), KeysError> {
    match fs::remove_file(path) {
        Ok(()) => sync_dir(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(KeysError::File { path: path.to_owned(), source }),
    }
}

/// Reads a file that may not be there, at most `limit` + 1 bytes of it.
pub(super) fn read(path: &Path, limit: usize) -> Result<Option<Zeroizing<Vec<u8>>>, KeysError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => named(path, other)?,
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    named(path, file.take(limit as u64 + 1).read_to_end(&mut bytes))?;
    Ok(Some(bytes))
}

fn sync_dir(path: &Path) -> Result<(), KeysError> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    named(dir, File::open(dir).and_then(|dir| dir.sync_all()))
}

fn named<T>(path: &Path, result: std::io::Result<T>) -> Result<T, KeysError> {
    result.map_err(|source| KeysError::File { path: path.to_owned(), source })
}
