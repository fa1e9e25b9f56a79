//! The master key, wrapped once for each way to unlock the box: the file `keyslots.json`.
//!
//! Each slot's ciphertext is bound to this box, this kind of slot and its own parameters,
//! so that no slot can be weakened, swapped or carried to another box unnoticed.

use argon2::{Algorithm, Argon2, Params, Version};
use rand::{TryRngCore, rngs::OsRng};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    KeysError, code,
    seal::{unwrap, wrap},
};
use crate::types::Secret;

/// The master key of a box.
pub(super) type MasterKey = Secret<[u8; 32]>;

/// How much work a guess at the passphrase is. Below the floor a slot would be easy to break;
/// above the cap a changed file could make the box use up its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// What new slots are made with, and the least that is accepted.
    pub const FLOOR: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 1 };
    /// The most that is accepted.
    pub const CAP: Cost = Cost { memory_kib: 1024 * 1024, passes: 16, lanes: 8 };

    fn fine(self) -> bool {
        (Self::FLOOR.memory_kib..=Self::CAP.memory_kib).contains(&self.memory_kib)
            && (Self::FLOOR.passes..=Self::CAP.passes).contains(&self.passes)
            && (Self::FLOOR.lanes..=Self::CAP.lanes).contains(&self.lanes)
    }
}

/// One way to unlock the box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
enum Slot {
    /// By 32 random bytes in a file beside this one.
    File {
        /// The wrapped master key.
        wrapped: String,
    },
    /// By the recovery passphrase.
    Passphrase {
        /// What the passphrase was stretched with.
        cost: Cost,
        /// 16 random bytes, hex.
        salt: String,
        /// The wrapped master key.
        wrapped: String,
    },
}

/// The keyslots of a box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyslots {
    version: u8,
    box_id: String,
    slots: Vec<Slot>,
}

/// No keyslot file is longer, in bytes.
pub const LONGEST: usize = 16 * 1024;
const VERSION: u8 = 1;
const MOST_SLOTS: usize = 8;
/// The length in characters of a generated recovery code: 120 bits.
const CODE: usize = 24;

/// A new recovery code: six groups of four characters, 120 bits.
pub fn recovery_code() -> Result<Secret<String>, KeysError> {
    code::random(CODE / 4, 4)
}

impl Keyslots {
    pub(super) fn new(box_id: String) -> Self {
        Self { version: VERSION, box_id, slots: Vec::new() }
    }

    /// Reads keyslots; says what is wrong with anything that we did not write.
    pub fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() > LONGEST {
            return Err("it is too long");
        }
        let slots: Self = serde_json::from_slice(bytes).map_err(|_| "it is not keyslot JSON")?;
        if slots.version != VERSION {
            return Err("its version is not 1");
        }
        if slots.box_id.len() != 32 || !slots.box_id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err("its box id is not 32 hex digits");
        }
        if slots.slots.is_empty() || slots.slots.len() > MOST_SLOTS {
            return Err("it has no slots, or too many");
        }
        for slot in &slots.slots {
            if let Slot::Passphrase { cost, salt, .. } = slot {
                if !cost.fine() {
                    return Err("the cost of its passphrase is out of bounds");
                }
                if !hex::decode(salt).is_ok_and(|salt| salt.len() == 16) {
                    return Err("the salt of its passphrase is not 16 bytes");
                }
            }
        }
        Ok(slots)
    }

    pub(super) fn to_json(&self) -> Result<Vec<u8>, KeysError> {
        serde_json::to_vec_pretty(self).map_err(|error| KeysError::Derive(Box::new(error)))
    }

    /// Which box these belong to.
    pub fn box_id(&self) -> &str {
        &self.box_id
    }

    /// Whether a recovery passphrase was set.
    pub fn has_passphrase(&self) -> bool {
        self.slots.iter().any(|slot| matches!(slot, Slot::Passphrase { .. }))
    }

    pub(super) fn set_file(&mut self, file: &Secret<[u8; 32]>, master: &MasterKey) -> Result<(), KeysError> {
        let wrapped = wrap(file, &aad(&self.box_id, "file", None), master.expose())?;
        self.slots.retain(|slot| !matches!(slot, Slot::File { .. }));
        self.slots.push(Slot::File { wrapped });
        Ok(())
    }

    pub(super) fn set_passphrase(
        &mut self,
        passphrase: &Secret<String>,
        master: &MasterKey,
    ) -> Result<(), KeysError> {
        let mut salt = [0; 16];
        OsRng.try_fill_bytes(&mut salt).map_err(|error| KeysError::Derive(Box::new(error)))?;
        let (cost, salt) = (Cost::FLOOR, hex::encode(salt));
        let key = stretch(passphrase, cost, &salt)?;
        let wrapped = wrap(&key, &aad(&self.box_id, "passphrase", Some((cost, &salt))), master.expose())?;
        self.slots.retain(|slot| !matches!(slot, Slot::Passphrase { .. }));
        self.slots.push(Slot::Passphrase { cost, salt, wrapped });
        Ok(())
    }

    pub(super) fn open_with_file(&self, file: &Secret<[u8; 32]>) -> Option<MasterKey> {
        self.slots.iter().find_map(|slot| match slot {
            Slot::File { wrapped } => master(unwrap(file, &aad(&self.box_id, "file", None), wrapped)),
            Slot::Passphrase { .. } => None,
        })
    }

    pub(super) fn open_with_passphrase(&self, passphrase: &Secret<String>) -> Result<MasterKey, KeysError> {
        let mut tried = false;
        for slot in &self.slots {
            if let Slot::Passphrase { cost, salt, wrapped } = slot {
                tried = true;
                let key = stretch(passphrase, *cost, salt)?;
                let aad = aad(&self.box_id, "passphrase", Some((*cost, salt)));
                if let Some(master) = master(unwrap(&key, &aad, wrapped)) {
                    return Ok(master);
                }
            }
        }
        Err(if tried { KeysError::WrongPassphrase } else { KeysError::NoPassphrase })
    }
}

fn aad(box_id: &str, kind: &str, stretched: Option<(Cost, &str)>) -> Vec<u8> {
    let parameters = stretched.map_or_else(String::new, |(cost, salt)| {
        format!("{}|{}|{}|{salt}", cost.memory_kib, cost.passes, cost.lanes)
    });
    format!("flashnode keyslot|{VERSION}|{box_id}|{kind}|{parameters}").into_bytes()
}

fn master(opened: Result<Secret<Vec<u8>>, KeysError>) -> Option<MasterKey> {
    <[u8; 32]>::try_from(opened.ok()?.expose().as_slice()).ok().map(Secret::new)
}

fn stretch(passphrase: &Secret<String>, cost: Cost, salt: &str) -> Result<Secret<[u8; 32]>, KeysError> {
    let passphrase = canonical(passphrase)?;
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32))
        .map_err(|error| KeysError::Derive(error.to_string().into()))?;
    let mut key = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt.as_bytes(), &mut key)
        .map_err(|error| KeysError::Derive(error.to_string().into()))?;
    Ok(Secret::new(key))
}

/// The form that is stretched: one of our own codes however it was typed, else the text without outer spaces.
fn canonical(passphrase: &Secret<String>) -> Result<Zeroizing<String>, KeysError> {
    let text = passphrase.expose();
    if text.len() > 4096 {
        return Err(KeysError::BadPassphrase);
    }
    if let Some(code) = code::normalise(text, CODE) {
        return Ok(code);
    }
    let trimmed = text.trim();
    if !(12..=1024).contains(&trimmed.chars().count()) {
        return Err(KeysError::BadPassphrase);
    }
    Ok(Zeroizing::new(trimmed.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> (Keyslots, Secret<[u8; 32]>, MasterKey) {
        let (file, master) = (Secret::new([3; 32]), Secret::new([4; 32]));
        let mut slots = Keyslots::new("ab".repeat(16));
        slots.set_file(&file, &master).expect("file slot");
        slots.set_passphrase(&"correct horse battery".to_owned().into(), &master).expect("passphrase slot");
        (slots, file, master)
    }

    #[test]
    fn both_slots_open_and_others_do_not() {
        let (slots, file, master) = sample();
        let slots = Keyslots::parse(&slots.to_json().expect("json")).expect("our own file");
        assert_eq!(slots.open_with_file(&file), Some(master.clone()));
        assert_eq!(slots.open_with_file(&Secret::new([5; 32])), None);
        let open = |text: &str| slots.open_with_passphrase(&text.to_owned().into());
        assert_eq!(open(" correct horse battery ").expect("opens"), master);
        assert!(matches!(open("correct horse batterz"), Err(KeysError::WrongPassphrase)));
        assert!(matches!(open("short"), Err(KeysError::BadPassphrase)));
        assert!(matches!(open(&"x".repeat(2_000_000)), Err(KeysError::BadPassphrase)));
    }

    #[test]
    fn a_generated_code_opens_however_it_is_typed() {
        let (mut slots, _, master) = sample();
        let code = recovery_code().expect("randomness");
        slots.set_passphrase(&code, &master).expect("set");
        let typed = code.expose().to_lowercase().replace('-', " ");
        assert_eq!(slots.open_with_passphrase(&typed.into()).expect("opens"), master);
    }

    #[test]
    fn a_tampered_slot_does_not_open() {
        let (slots, file, _) = sample();
        let text = String::from_utf8(slots.to_json().expect("json")).expect("text");
        let parse = |text: &str| Keyslots::parse(text.as_bytes());
        let other_box = parse(&text.replace(&"ab".repeat(16), &"ac".repeat(16))).expect("well formed");
        assert_eq!(other_box.open_with_file(&file), None, "another box's id");
        let dearer = parse(&text.replace("\"passes\": 3", "\"passes\": 4")).expect("well formed");
        assert!(dearer.open_with_passphrase(&"correct horse battery".to_owned().into()).is_err());
        for (what, from, to) in [
            ("a cost below the floor", "\"memory_kib\": 65536", "\"memory_kib\": 8"),
            ("a cost above the cap", "\"memory_kib\": 65536", "\"memory_kib\": 4294967295"),
            ("another version", "\"version\": 1", "\"version\": 2"),
            ("an unknown kind", "\"kind\": \"file\"", "\"kind\": \"none\""),
            ("an unknown field", "\"version\": 1", "\"version\": 1, \"debug\": true"),
            ("no lanes", "\"lanes\": 1", "\"lanes\": 0"),
        ] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text, "{what}: the test changes nothing");
            assert!(parse(&changed).is_err(), "{what}");
        }
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert!(Keyslots::parse(&bytes).is_err());
        }

        #[test]
        fn a_cut_file_is_refused(keep in 0_usize..400) {
            let mut slots = Keyslots::new("ab".repeat(16));
            slots.set_file(&Secret::new([3; 32]), &Secret::new([4; 32])).expect("file slot");
            let json = slots.to_json().expect("json");
            prop_assume!(keep < json.len());
            prop_assert!(Keyslots::parse(&json[..keep]).is_err());
        }
    }
}
