//! The root: 24 words (BIP39), and its children by hardened derivation (BIP85).
//! A child tells nothing about its siblings or the root.

use std::str::FromStr;

use bip39::Mnemonic;
use bitcoin::{
    NetworkKind,
    bip32::{ChainCode, ChildNumber, DerivationPath, Fingerprint, Xpriv},
    secp256k1::{Secp256k1, SecretKey},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{KeysError, seal::random_key};
use crate::types::{Network, Secret};

/// What a child of the root is for. The path of a purpose never changes: money hangs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// LND's `extended_master_key`: an `xprv` or `tprv`.
    Lightning,
    /// The root of the members' on-chain wallet: an `xprv` or `tprv`.
    Onchain,
    /// The mint's seed: 64 bytes, hex.
    MintSeed,
    /// The relay's own Nostr key: 32 bytes, hex.
    RelayKey,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Purpose; 4] =
        [Purpose::Lightning, Purpose::Onchain, Purpose::MintSeed, Purpose::RelayKey];

    /// The BIP85 path: `32'` makes extended keys, `128169'` makes bytes. The index is 0 or 1 on mainnet
    /// and counts on by 16 for each further network, so that no key serves on two networks.
    fn path(self, network: Network) -> String {
        let step = match network {
            Network::Mainnet => 0,
            Network::Testnet4 => 16,
            Network::Signet => 32,
            Network::Regtest => 48,
        };
        match self {
            Purpose::Lightning => format!("m/83696968'/32'/{step}'"),
            Purpose::Onchain => format!("m/83696968'/32'/{}'", step + 1),
            Purpose::MintSeed => format!("m/83696968'/128169'/64'/{step}'"),
            Purpose::RelayKey => format!("m/83696968'/128169'/32'/{step}'"),
        }
    }
}

/// How many words there are.
pub const WORDS: u8 = 24;

/// How many words must be given back to confirm the root.
pub const CONFIRM_AT_LEAST: usize = 4;

/// The root of every key of the box.
pub struct Root {
    entropy: Zeroizing<[u8; 32]>,
}

impl Root {
    /// A new root from the operating system's randomness, mixed with what another source gives, if any.
    /// It is at least as good as the better of the two.
    pub fn generate(other_source: Option<&[u8]>) -> Result<Self, KeysError> {
        let system = random_key()?;
        let mut entropy = Zeroizing::new([0; 32]);
        if Hkdf::<Sha256>::new(other_source, system.expose())
            .expand(b"flashnode root", &mut *entropy)
            .is_err()
        {
            // HKDF refuses only outputs over 8160 bytes; ours is 32.
            unreachable!("HKDF gives 32 bytes");
        }
        Ok(Self { entropy })
    }

    pub(super) fn from_entropy(entropy: &[u8]) -> Result<Self, KeysError> {
        let entropy = entropy.try_into().map_err(|_| KeysError::Unsealable)?;
        Ok(Self { entropy: Zeroizing::new(entropy) })
    }

    pub(super) fn entropy(&self) -> &[u8] {
        &*self.entropy
    }

    /// The 24 words.
    pub fn words(&self) -> Result<Vec<Secret<String>>, KeysError> {
        Ok(self.mnemonic()?.words().map(|word| Secret::new(word.to_owned())).collect())
    }

    /// Whether at least four different positions (from 1) were answered, each with its word.
    pub(super) fn has_words(&self, answers: &[(u8, Secret<String>)]) -> Result<bool, KeysError> {
        let words = self.words()?;
        let mut seen = [false; WORDS as usize];
        let mut right = answers.len() >= CONFIRM_AT_LEAST;
        for (position, answer) in answers {
            let at = usize::from(*position).wrapping_sub(1);
            match (words.get(at), seen.get_mut(at)) {
                (Some(word), Some(seen)) if !*seen => {
                    *seen = true;
                    let typed = Zeroizing::new(answer.expose().trim().to_lowercase());
                    right &= bool::from(word.expose().as_bytes().ct_eq(typed.as_bytes()));
                }
                _ => right = false,
            }
        }
        Ok(right)
    }

    /// The key material of this purpose on this network.
    pub fn child(&self, purpose: Purpose, network: Network) -> Result<Secret<String>, KeysError> {
        let seed = Zeroizing::new(self.mnemonic()?.to_seed(""));
        let master = Xpriv::new_master(NetworkKind::Main, &*seed).map_err(failed)?;
        let entropy = bip85(&master, &purpose.path(network))?;
        match purpose {
            Purpose::Lightning | Purpose::Onchain => {
                Ok(Secret::new(extended_key(&entropy, network)?.to_string()))
            }
            Purpose::MintSeed => Ok(Secret::new(hex::encode(entropy.as_slice()))),
            Purpose::RelayKey => {
                let key = SecretKey::from_slice(&entropy[..32]).map_err(failed)?;
                Ok(Secret::new(hex::encode(key.secret_bytes())))
            }
        }
    }

    fn mnemonic(&self) -> Result<Mnemonic, KeysError> {
        Mnemonic::from_entropy(&*self.entropy).map_err(failed)
    }
}

/// BIP85: 64 bytes of entropy from a hardened child.
fn bip85(master: &Xpriv, path: &str) -> Result<Zeroizing<[u8; 64]>, KeysError> {
    let path = DerivationPath::from_str(path).map_err(failed)?;
    let child = master.derive_priv(&Secp256k1::signing_only(), &path).map_err(failed)?;
    let mut mac = Hmac::<Sha512>::new_from_slice(b"bip-entropy-from-k").map_err(failed)?;
    mac.update(&child.private_key.secret_bytes());
    Ok(Zeroizing::new(mac.finalize().into_bytes().into()))
}

/// BIP85, application 32': the first half is the chain code, the second the key.
fn extended_key(entropy: &[u8; 64], network: Network) -> Result<Xpriv, KeysError> {
    let (chain_code, key) = entropy.split_at(32);
    Ok(Xpriv {
        network: if network.is_real_money() { NetworkKind::Main } else { NetworkKind::Test },
        depth: 0,
        parent_fingerprint: Fingerprint::default(),
        child_number: ChildNumber::from_normal_idx(0).map_err(failed)?,
        private_key: SecretKey::from_slice(key).map_err(failed)?,
        chain_code: ChainCode::from(<[u8; 32]>::try_from(chain_code).map_err(failed)?),
    })
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> KeysError {
    KeysError::Derive(Box::new(error))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The master key of BIP85's own test vectors.
    const BIP85_MASTER: &str = "xprv9s21ZrQH143K2LBWUUQRFXhucrQqBpKdRRxNVq2zBqsx8HVqFk2uYo8kmbaLLHRdqtQpUm98uKfu3vca1LqdGhUtyoFnCNkfmXRyPXLjbKb";

    fn vector(path: &str) -> String {
        let master = Xpriv::from_str(BIP85_MASTER).expect("the vector's master");
        hex::encode(*bip85(&master, path).expect("derive"))
    }

    #[test]
    fn entropy_is_as_in_bip85() {
        assert_eq!(
            vector("m/83696968'/0'/0'"),
            "efecfbccffea313214232d29e71563d941229afb4338c21f9517c41aaa0d16f00b83d2a09ef747e7a64e8e2bd5a14869e693da66ce94ac2da570ab7ee48618f7"
        );
        assert_eq!(
            vector("m/83696968'/0'/1'"),
            "70c6e3e8ebee8dc4c0dbba66076819bb8c09672527c4277ca8729532ad711872218f826919f6b67218adde99018a6df9095ab2b58d803b5b93ec9802085a690e"
        );
        assert_eq!(
            vector("m/83696968'/128169'/64'/0'"),
            "492db4698cf3b73a5a24998aa3e9d7fa96275d85724a91e71aa2d645442f878555d078fd1f1f67e368976f04137b1f7a0d19232136ca50c44614af72b5582a5c"
        );
    }

    #[test]
    fn extended_keys_are_as_in_bip85() {
        let master = Xpriv::from_str(BIP85_MASTER).expect("the vector's master");
        let entropy = bip85(&master, "m/83696968'/32'/0'").expect("derive");
        assert_eq!(
            extended_key(&entropy, Network::Mainnet).expect("a key").to_string(),
            "xprv9s21ZrQH143K2srSbCSg4m4kLvPMzcWydgmKEnMmoZUurYuBuYG46c6P71UGXMzmriLzCCBvKQWBUv3vPB3m1SATMhp3uEjXHJ42jFg7myX"
        );
    }

    #[test]
    fn every_purpose_and_network_has_a_key_of_its_own() {
        let root = Root::from_entropy(&[9; 32]).expect("a root");
        let mut seen = BTreeSet::new();
        for purpose in Purpose::ALL {
            for network in Network::ALL {
                let child = root.child(purpose, network).expect("derive").expose().clone();
                let form = match purpose {
                    Purpose::Lightning | Purpose::Onchain if network.is_real_money() => {
                        child.starts_with("xprv")
                    }
                    Purpose::Lightning | Purpose::Onchain => child.starts_with("tprv"),
                    Purpose::MintSeed => child.len() == 128,
                    Purpose::RelayKey => child.len() == 64,
                };
                assert!(form, "{purpose:?} on {network}");
                // Only what lies behind the network's prefix counts as different.
                assert!(seen.insert(child[4..].to_owned()), "{purpose:?} on {network} repeats another");
            }
        }
    }

    #[test]
    fn words_are_24_and_lead_back_to_the_root() {
        let root = Root::generate(Some(b"dice")).expect("a root");
        let words = root.words().expect("words");
        assert_eq!(words.len(), usize::from(WORDS));
        let phrase = words.iter().map(|w| w.expose().as_str()).collect::<Vec<_>>().join(" ");
        assert_eq!(Mnemonic::parse(&phrase).expect("valid words").to_entropy(), root.entropy());
        assert_ne!(Root::generate(None).expect("another").entropy(), root.entropy());
    }
}
