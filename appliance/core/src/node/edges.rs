//! One credential for each consumer and provider, and its rotation.
//!
//! A credential is `Next` (made, the provider does not know it yet), `Installed` (the provider honours it,
//! the consumer still holds the one before), `Current`, or `Old` (nobody uses it; the provider may still honour it).
//! A rotation walks a new one from the first state to the third and the one before to nothing, and at each step
//! the box can be killed: what comes next follows from the states and from what runs. See [`rotation`].

pub mod rotation;
pub mod rpcauth;
pub mod store;

use std::collections::BTreeMap;

use crate::{
    node::catalog,
    types::{EdgeName, Network, Secret, ServiceName, Timestamp},
};

/// What a provider lets one consumer do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who.
    pub consumer: ServiceName,
    /// What.
    pub right: Right,
}

/// The three kinds of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// A JSON-RPC user of bitcoind with a whitelist of methods.
    Rpc(&'static [&'static str]),
    /// A macaroon of LND with these `uri:` permissions and a root key id of its own.
    Macaroon(&'static [&'static str]),
    /// A login role of PostgreSQL that owns this database.
    Role(&'static str),
}

impl Right {
    /// The word for it.
    pub const fn word(&self) -> &'static str {
        match self {
            Right::Rpc(_) => "rpcauth",
            Right::Macaroon(_) => "macaroon",
            Right::Role(_) => "role",
        }
    }

    /// What it allows, as a list for people.
    pub fn allows(&self) -> Vec<String> {
        match self {
            Right::Rpc(names) | Right::Macaroon(names) => names.iter().map(|n| (*n).to_owned()).collect(),
            Right::Role(database) => vec![format!("database {database}")],
        }
    }
}

/// Where a credential stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Made; the provider does not know it yet.
    Next,
    /// The provider honours it; the consumer still holds the one before.
    Installed,
    /// In use.
    Current,
    /// Nobody uses it; the provider may still honour it.
    Old,
}

impl Stage {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Stage::Next => "next",
            Stage::Installed => "installed",
            Stage::Current => "current",
            Stage::Old => "old",
        }
    }

    /// The stage of this word.
    pub fn parse(word: &str) -> Option<Self> {
        [Stage::Next, Stage::Installed, Stage::Current, Stage::Old].into_iter().find(|s| s.as_str() == word)
    }
}

/// One credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its edge.
    pub edge: EdgeName,
    /// Its number, never used twice in a box: part of the user or role name, and LND's root key id.
    pub serial: i64,
    /// Where it stands.
    pub stage: Stage,
    /// The password, or the macaroon in hex; empty for a macaroon that LND has not baked yet.
    pub secret: Secret<String>,
    /// 16 random bytes in hex, the salt of `rpcauth`.
    pub salt: String,
    /// When it was made.
    pub since: Timestamp,
}

impl Credential {
    /// The RPC user or login role: `electrs-4`, `nbxplorer_7`.
    pub fn user(&self, right: Right) -> String {
        match right {
            Right::Role(_) => format!("{}_{}", self.edge.consumer, self.serial),
            _ => format!("{}-{}", self.edge.consumer, self.serial),
        }
    }

    /// LND's root key id: the serial, moved away from 0, which LND cannot delete.
    pub fn root_key_id(&self) -> u64 {
        1000 + u64::try_from(self.serial).unwrap_or(0)
    }
}

/// Every credential of a box.
#[derive(Clone, Debug, Default)]
pub struct Credentials(BTreeMap<EdgeName, Vec<Credential>>);

impl Credentials {
    /// Sorts credentials by edge.
    pub fn new(all: Vec<Credential>) -> Self {
        let mut map: BTreeMap<EdgeName, Vec<Credential>> = BTreeMap::new();
        for credential in all {
            map.entry(credential.edge.clone()).or_default().push(credential);
        }
        Self(map)
    }

    /// The one that the consumer shall use now: the newest that the provider honours.
    pub fn in_use(&self, consumer: &ServiceName, provider: &ServiceName) -> Option<&Credential> {
        let of_edge = self.of(&EdgeName::new(consumer.clone(), provider.clone()));
        let at = |stage| of_edge.iter().find(|c| c.stage == stage && !c.secret.expose().is_empty());
        at(Stage::Installed).or_else(|| at(Stage::Current))
    }

    /// Those that the provider shall honour: all but the old ones.
    pub fn honoured(&self, provider: &ServiceName) -> impl Iterator<Item = &Credential> {
        self.iter().filter(move |c| c.edge.provider == *provider && c.stage != Stage::Old)
    }

    /// All of one edge.
    pub fn of(&self, edge: &EdgeName) -> &[Credential] {
        self.0.get(edge).map_or(&[], Vec::as_slice)
    }

    /// All.
    pub fn iter(&self) -> impl Iterator<Item = &Credential> {
        self.0.values().flatten()
    }
}

/// Whether this consumer holds credentials without being a service of the box: the supervisor itself, and on regtest
/// the miner and faucet.
pub fn stands_without_service(consumer: &ServiceName, network: Network) -> bool {
    *consumer == catalog::SUPERVISOR || (*consumer == catalog::PLAYGROUND && network == Network::Regtest)
}
