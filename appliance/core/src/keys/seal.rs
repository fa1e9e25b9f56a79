//! Derivation by label (HKDF-SHA256) and sealing (XChaCha20-Poly1305). A key is only ever used for one label.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use chacha20poly1305::{
    Key, XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use hkdf::Hkdf;
use rand::{TryRngCore, rngs::OsRng};
use sha2::Sha256;

use super::KeysError;
use crate::types::Secret;

const SALT: &[u8] = b"flashnode keys v1";
const NONCE: usize = 24;

/// A key of one purpose from a key of many; nobody can go back, or sideways to another label.
pub fn derive(key: &Secret<[u8; 32]>, label: &str) -> Secret<[u8; 32]> {
    let mut derived = [0; 32];
    if Hkdf::<Sha256>::new(Some(SALT), key.expose()).expand(label.as_bytes(), &mut derived).is_err() {
        // HKDF refuses only outputs over 8160 bytes; ours is 32.
        unreachable!("HKDF gives 32 bytes");
    }
    Secret::new(derived)
}

/// 32 bytes from the operating system.
pub fn random_key() -> Result<Secret<[u8; 32]>, KeysError> {
    let mut bytes = [0; 32];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| KeysError::Derive(Box::new(error)))?;
    Ok(Secret::new(bytes))
}

/// Seals and opens small values, each under a key of its label.
#[derive(Debug)]
pub struct SealKey(Secret<[u8; 32]>);

impl SealKey {
    /// From a key that may be used for other purposes too, such as a database key.
    pub fn new(key: &Secret<[u8; 32]>) -> Self {
        Self(derive(key, "seal"))
    }

    /// Seals `plain` for `label`; it opens only with the same label and the same `aad`. Base64.
    pub fn seal(&self, label: &str, aad: &[u8], plain: &[u8]) -> Result<String, KeysError> {
        wrap(&derive(&self.0, label), aad, plain)
    }

    /// Opens what [`SealKey::seal`] made.
    pub fn open(&self, label: &str, aad: &[u8], sealed: &str) -> Result<Secret<Vec<u8>>, KeysError> {
        unwrap(&derive(&self.0, label), aad, sealed)
    }
}

/// Encrypts under this very key: nonce and ciphertext, base64.
pub(super) fn wrap(key: &Secret<[u8; 32]>, aad: &[u8], plain: &[u8]) -> Result<String, KeysError> {
    let mut nonce = [0; NONCE];
    OsRng.try_fill_bytes(&mut nonce).map_err(|error| KeysError::Derive(Box::new(error)))?;
    let sealed = XChaCha20Poly1305::new(Key::from_slice(key.expose()))
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad })
        .map_err(|_| KeysError::Unsealable)?;
    Ok(STANDARD_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
}

/// Decrypts what [`wrap`] made under this very key.
pub(super) fn unwrap(key: &Secret<[u8; 32]>, aad: &[u8], sealed: &str) -> Result<Secret<Vec<u8>>, KeysError> {
    let bytes = STANDARD_NO_PAD.decode(sealed).map_err(|_| KeysError::Unsealable)?;
    let (nonce, msg) = bytes.split_at_checked(NONCE).ok_or(KeysError::Unsealable)?;
    XChaCha20Poly1305::new(Key::from_slice(key.expose()))
        .decrypt(XNonce::from_slice(nonce), Payload { msg, aad })
        .map(Secret::new)
        .map_err(|_| KeysError::Unsealable)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn labels_lead_to_different_keys() {
        let key = Secret::new([1; 32]);
        assert_ne!(derive(&key, "db:app").expose(), derive(&key, "db:box").expose());
        assert_ne!(derive(&key, "db:app").expose(), derive(&Secret::new([2; 32]), "db:app").expose());
    }

    #[test]
    fn derivation_never_changes() {
        // A changed value here means that no box made before opens any more.
        let key = Secret::new([1; 32]);
        // The value is RFC 5869's HKDF computed by another program.
        let known = "bee12f5a74e6e8a50ad33c1e9fccd37eb60c24b13272ed31654b26d2fa718472";
        assert_eq!(hex::encode(derive(&key, "db:app").expose()), known);
    }

    #[test]
    fn a_value_opens_only_as_what_it_was_sealed() {
        let key = SealKey::new(&Secret::new([1; 32]));
        let sealed = key.seal("totp", b"member 1", b"value").expect("seal");
        assert_eq!(key.open("totp", b"member 1", &sealed).expect("open").expose(), b"value");
        assert!(key.open("totp", b"member 2", &sealed).is_err(), "another owner");
        assert!(key.open("other", b"member 1", &sealed).is_err(), "another label");
        let other = SealKey::new(&Secret::new([2; 32]));
        assert!(other.open("totp", b"member 1", &sealed).is_err(), "another key");
        assert_ne!(sealed, key.seal("totp", b"member 1", b"value").expect("seal"), "a nonce is never reused");
    }

    proptest! {
        #[test]
        fn random_text_never_opens_and_never_panics(text in ".{0,200}") {
            prop_assert!(SealKey::new(&Secret::new([1; 32])).open("x", b"", &text).is_err());
        }

        #[test]
        fn one_changed_character_is_noticed(at in 0_usize..60, letter in "[A-Za-z0-9]") {
            let key = SealKey::new(&Secret::new([1; 32]));
            let sealed = key.seal("x", b"", b"something").expect("seal");
            let at = at % sealed.len();
            let mut changed = sealed.clone();
            changed.replace_range(at..=at, &letter);
            prop_assert!(changed == sealed || key.open("x", b"", &changed).is_err());
        }
    }
}
