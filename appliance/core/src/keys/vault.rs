//! The folder `keys/`: who can unlock the box, and the sealed root.
//!
//! | file | holds |
//! | --- | --- |
//! | `auto-unlock.key` | 32 random bytes, 0400: whoever has it and the keyslots has the box |
//! | `keyslots.json` | the wrapped master key, and `keyslots.copy` the same again |
//! | `root.pending` | the sealed root until its words are confirmed |
//! | `root.sealed` | the sealed root from then on |
//!
//! Crashes: each file is replaced whole. The auto-unlock file is written before the keyslots that speak of it, the copy
//! after the original; a damaged or missing original is put back from the copy. `root.sealed` is written before
//! `root.pending` goes, and where both are the sealed one counts.
//! Every call blocks, those with a passphrase for some tenths of a second.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rand::{TryRngCore, rngs::OsRng};

use super::{
    KeysError, files,
    keyslots::{self, Keyslots, MasterKey},
    root::{Purpose, Root},
    seal::{SealKey, derive, random_key},
};
use crate::types::{Network, Secret};

/// Where the root stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootState {
    /// Not made yet.
    None,
    /// Made; its words may still be shown.
    Pending,
    /// Confirmed; nothing but derivation is left.
    Confirmed,
}

/// The opened vault of a box.
#[derive(Debug)]
pub struct Vault {
    files: Files,
    master: MasterKey,
    seal: SealKey,
    box_id: String,
    /// Held over every read-change-write of the folder.
    turn: Mutex<()>,
}

#[derive(Clone, Debug)]
struct Files {
    slots: PathBuf,
    copy: PathBuf,
    auto: PathBuf,
    pending: PathBuf,
    sealed: PathBuf,
}

impl Files {
    fn of(dir: &Path) -> Self {
        Self {
            slots: dir.join("keyslots.json"),
            copy: dir.join("keyslots.copy"),
            auto: dir.join("auto-unlock.key"),
            pending: dir.join("root.pending"),
            sealed: dir.join("root.sealed"),
        }
    }

    /// The keyslots and their copy, as far as they can be read, best first.
    fn candidates(&self) -> Result<Vec<Keyslots>, KeysError> {
        let mut found = Vec::new();
        let mut problem = KeysError::None(self.slots.clone());
        for file in [&self.slots, &self.copy] {
            if let Some(bytes) = files::read(file, keyslots::LONGEST)? {
                match Keyslots::parse(&bytes) {
                    Ok(slots) => found.push(slots),
                    Err(why) => problem = KeysError::Damaged { file: file.clone(), why },
                }
            }
        }
        if found.is_empty() { Err(problem) } else { Ok(found) }
    }

    fn write(&self, slots: &Keyslots) -> Result<(), KeysError> {
        let json = slots.to_json()?;
        files::replace(&self.slots, &json, 0o600)?;
        files::replace(&self.copy, &json, 0o600)
    }
}

impl Vault {
    /// Whether this folder has keyslots, readable or not.
    pub fn exists(dir: &Path) -> bool {
        let files = Files::of(dir);
        files.slots.exists() || files.copy.exists()
    }

    /// Makes the keys of a new box. Never touches a folder that has keyslots or a root.
    pub fn create(dir: &Path) -> Result<Self, KeysError> {
        if Self::exists(dir) {
            return Err(KeysError::Exists(dir.to_owned()));
        }
        let files = Files::of(dir);
        if files.pending.exists() || files.sealed.exists() {
            return Err(KeysError::Orphaned(dir.to_owned()));
        }
        files::make_dir(dir)?;
        let mut id = [0; 16];
        OsRng.try_fill_bytes(&mut id).map_err(|error| KeysError::Derive(Box::new(error)))?;
        let (auto, master) = (random_key()?, random_key()?);
        let mut slots = Keyslots::new(hex::encode(id));
        slots.set_file(&auto, &master)?;
        files::replace(&files.auto, auto.expose(), 0o400)?;
        files.write(&slots)?;
        Ok(Self::opened(files, &slots, master))
    }

    /// Opens with the auto-unlock file. [`KeysError::Locked`] when that is gone or does not fit.
    pub fn open_auto(dir: &Path) -> Result<Self, KeysError> {
        let files = Files::of(dir);
        let candidates = files.candidates()?;
        let bytes = files::read(&files.auto, 32)?.ok_or(KeysError::Locked("its auto-unlock file is gone"))?;
        let auto = <[u8; 32]>::try_from(bytes.as_slice())
            .map(Secret::new)
            .map_err(|_| KeysError::Locked("its auto-unlock file is damaged"))?;
        for slots in &candidates {
            if let Some(master) = slots.open_with_file(&auto) {
                return Self::healed(files, slots, master);
            }
        }
        Err(KeysError::Locked("its auto-unlock file does not fit its keyslots"))
    }

    /// Opens with the recovery passphrase, however the auto-unlock file is.
    pub fn open_with_passphrase(dir: &Path, passphrase: &Secret<String>) -> Result<Self, KeysError> {
        let files = Files::of(dir);
        let mut problem = KeysError::NoPassphrase;
        for (place, slots) in files.candidates()?.iter().enumerate() {
            match slots.open_with_passphrase(passphrase) {
                Ok(master) if place == 0 => return Self::healed(files, slots, master),
                // The copy may hold the passphrase before this one: it opens, and replaces nothing.
                Ok(master) => return Ok(Self::opened(files, slots, master)),
                Err(error) => problem = error,
            }
        }
        Err(problem)
    }

    /// Writes a new auto-unlock file and its slot: after it was lost, or to make old copies of it worthless.
    pub fn renew_auto_unlock(&self) -> Result<(), KeysError> {
        let _turn = self.turn();
        let auto = random_key()?;
        let mut slots = self.slots()?;
        slots.set_file(&auto, &self.master)?;
        // Cut off in between, the box is locked and the passphrase opens it: as without an auto-unlock file.
        files::replace(&self.files.auto, auto.expose(), 0o400)?;
        self.files.write(&slots)
    }

    /// Sets or replaces the recovery passphrase, and makes sure that it opens the box.
    pub fn set_passphrase(&self, passphrase: &Secret<String>) -> Result<(), KeysError> {
        let _turn = self.turn();
        let mut slots = self.slots()?;
        slots.set_passphrase(passphrase, &self.master)?;
        if slots.open_with_passphrase(passphrase)? != self.master {
            return Err(KeysError::Unsealable);
        }
        self.files.write(&slots)
    }

    /// Whether a recovery passphrase was set.
    pub fn has_passphrase(&self) -> Result<bool, KeysError> {
        Ok(self.slots()?.has_passphrase())
    }

    /// The box's own random id, 32 hex digits.
    pub fn box_id(&self) -> &str {
        &self.box_id
    }

    /// A key of this purpose, such as `db:app`.
    pub fn derive(&self, label: &str) -> Secret<[u8; 32]> {
        derive(&self.master, label)
    }

    /// Seals a value of this box for `label`.
    pub fn seal(&self, label: &str, aad: &[u8], plain: &[u8]) -> Result<String, KeysError> {
        self.seal.seal(label, &self.bound(aad), plain)
    }

    /// Opens what [`Vault::seal`] made.
    pub fn open(&self, label: &str, aad: &[u8], sealed: &str) -> Result<Secret<Vec<u8>>, KeysError> {
        self.seal.open(label, &self.bound(aad), sealed)
    }

    /// Where the root stands.
    pub fn root_state(&self) -> RootState {
        match (self.files.sealed.exists(), self.files.pending.exists()) {
            (true, _) => RootState::Confirmed,
            (false, true) => RootState::Pending,
            (false, false) => RootState::None,
        }
    }

    /// The 24 words, of a root made now when there is none. `other_source` is mixed in when it is made.
    /// [`KeysError::Confirmed`] once they have been confirmed.
    pub fn root_words(&self, other_source: Option<&[u8]>) -> Result<Vec<Secret<String>>, KeysError> {
        let _turn = self.turn();
        match self.root_state() {
            RootState::Confirmed => Err(KeysError::Confirmed),
            RootState::Pending => self.read_root(&self.files.pending, "pending")?.words(),
            RootState::None => {
                let root = Root::generate(other_source)?;
                self.write_root(&self.files.pending, "pending", &root)?;
                root.words()
            }
        }
    }

    /// Confirms the words: at least four of them, by position from 1. Seals the root for good;
    /// from then on its words cannot be had from the box by any call.
    pub fn confirm_root(&self, answers: &[(u8, Secret<String>)]) -> Result<(), KeysError> {
        let _turn = self.turn();
        match self.root_state() {
            RootState::None => return Err(KeysError::NotConfirmed),
            RootState::Confirmed => {
                // A crash may have left it behind; nothing may bring the words back.
                files::remove(&self.files.pending)?;
                return Err(KeysError::Confirmed);
            }
            RootState::Pending => {}
        }
        let root = self.read_root(&self.files.pending, "pending")?;
        if !root.has_words(answers)? {
            return Err(KeysError::WrongWords);
        }
        self.write_root(&self.files.sealed, "confirmed", &root)?;
        files::remove(&self.files.pending)
    }

    /// The key material of a purpose. [`KeysError::NotConfirmed`] until the words are.
    pub fn child(&self, purpose: Purpose, network: Network) -> Result<Secret<String>, KeysError> {
        match self.root_state() {
            RootState::Confirmed => self.read_root(&self.files.sealed, "confirmed")?.child(purpose, network),
            _ => Err(KeysError::NotConfirmed),
        }
    }

    fn opened(files: Files, slots: &Keyslots, master: MasterKey) -> Self {
        let seal = SealKey::new(&master);
        Self { files, box_id: slots.box_id().to_owned(), master, seal, turn: Mutex::new(()) }
    }

    /// Opened by these slots: they replace whatever else lies there, and a confirmed root leaves nothing behind.
    fn healed(files: Files, slots: &Keyslots, master: MasterKey) -> Result<Self, KeysError> {
        let json = slots.to_json()?;
        for file in [&files.slots, &files.copy] {
            if files::read(file, keyslots::LONGEST)?.is_none_or(|bytes| *bytes != json) {
                files::replace(file, &json, 0o600)?;
            }
        }
        let vault = Self::opened(files, slots, master);
        if vault.root_state() == RootState::Confirmed {
            files::remove(&vault.files.pending)?;
        }
        Ok(vault)
    }

    fn slots(&self) -> Result<Keyslots, KeysError> {
        self.files.candidates()?.into_iter().next().ok_or_else(|| KeysError::None(self.files.slots.clone()))
    }

    fn read_root(&self, file: &Path, state: &str) -> Result<Root, KeysError> {
        let bytes = files::read(file, 1024)?.ok_or(KeysError::NotConfirmed)?;
        let sealed = std::str::from_utf8(&bytes).map_err(|_| KeysError::Unsealable)?;
        Root::from_entropy(self.open("root", state.as_bytes(), sealed)?.expose())
    }

    fn write_root(&self, file: &Path, state: &str, root: &Root) -> Result<(), KeysError> {
        let sealed = self.seal("root", state.as_bytes(), root.entropy())?;
        files::replace(file, sealed.as_bytes(), 0o400)
    }

    fn bound(&self, aad: &[u8]) -> Vec<u8> {
        [self.box_id.as_bytes(), b"|", aad].concat()
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        // The mutex guards files, not memory: they are whole whatever a panic left undone.
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
