//! The Bitcoin network a box lives on.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// One network for a box's whole life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Real money.
    Mainnet,
    /// The public test network (BIP94).
    Testnet4,
    /// The public signed test network (BIP325).
    Signet,
    /// A private chain on this box alone.
    Regtest,
}

impl Network {
    /// Every network, in the order shown to the owner.
    pub const ALL: [Network; 4] = [Network::Mainnet, Network::Testnet4, Network::Signet, Network::Regtest];

    /// Our own word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Network::Mainnet => "mainnet",
            Network::Testnet4 => "testnet4",
            Network::Signet => "signet",
            Network::Regtest => "regtest",
        }
    }

    /// What bitcoind calls it, in `-chain=` and in `getblockchaininfo`.
    pub const fn chain(self) -> &'static str {
        match self {
            Network::Mainnet => "main",
            other => other.as_str(),
        }
    }

    /// Whether money on it has value.
    pub const fn is_real_money(self) -> bool {
        matches!(self, Network::Mainnet)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a network: use mainnet, testnet4, signet or regtest")]
pub struct UnknownNetwork(pub String);

impl FromStr for Network {
    type Err = UnknownNetwork;

    fn from_str(text: &str) -> Result<Self, UnknownNetwork> {
        Network::ALL
            .into_iter()
            .find(|n| n.as_str() == text)
            .ok_or_else(|| UnknownNetwork(text.chars().take(40).collect()))
    }
}
