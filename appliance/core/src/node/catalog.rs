//! Every service that a box can run, one file each: what it needs, its files, ports, limits, probe,
//! credentials given and taken, and what of it is backed up. Versions and digests are in `images/catalog.toml`.
//!
//! A service's module is pure but for its probe. To add one: a file here, a row in [`ALL`], a table in the
//! catalog file, a recipe if any.

pub mod images;

pub mod context;

mod app;
mod bitcoind;
mod btcpay;
mod electrs;
pub mod lnd;
mod nbxplorer;
mod outside;
mod postgres;
mod tor;

pub mod compose;

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;

pub use self::context::{Context, Look, Ports};
pub use self::images::{BadCatalog, Image, Images};
use crate::{
    control::ServiceChoice,
    error::Error,
    node::{edges::Grant, health::Health},
    ports::runtime::Limits,
    types::{Network, ServiceName},
};

/// Our own web role.
pub const APP: ServiceName = ServiceName::new("app");
/// Bitcoin's node.
pub const BITCOIND: ServiceName = ServiceName::new("bitcoind");
/// The Electrum server.
pub const ELECTRS: ServiceName = ServiceName::new("electrs");
/// The Lightning node.
pub const LND: ServiceName = ServiceName::new("lnd");
/// The playground's second Lightning node.
pub const OUTSIDE: ServiceName = ServiceName::new("outside");
/// The database server for BTCPay.
pub const POSTGRES: ServiceName = ServiceName::new("postgres");
/// Tor.
pub const TOR: ServiceName = ServiceName::new("tor");
/// BTCPay's block explorer.
pub const NBXPLORER: ServiceName = ServiceName::new("nbxplorer");
/// BTCPay Server.
pub const BTCPAY: ServiceName = ServiceName::new("btcpay");
/// The supervisor, as a consumer of credentials; it is not a service of its own.
pub const SUPERVISOR: ServiceName = ServiceName::new("supervisor");
/// The playground's miner and faucet, as a consumer of credentials.
pub const PLAYGROUND: ServiceName = ServiceName::new("playground");

/// Every service, providers before their consumers.
pub const ALL: &[&dyn Service] = &[
    &app::App,
    &bitcoind::Bitcoind,
    &tor::Tor,
    &electrs::Electrs,
    &lnd::Lnd,
    &outside::Outside,
    &postgres::Postgres,
    &nbxplorer::Nbxplorer,
    &btcpay::Btcpay,
];

/// When a service is part of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// From before set-up on.
    Always,
    /// Once set up, unless the owner's choice excludes it.
    Standard,
    /// When the owner wants it.
    Optional,
    /// On regtest, with the playground.
    Playground,
}

/// A port a service listens on, as an offset from the box's base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// What it is for: `rpc`, `p2p`, `grpc` …
    pub purpose: &'static str,
    /// Offset from `port_base`, 0 to 99.
    pub offset: u16,
    /// Whether the world is meant to reach it.
    pub world: bool,
    /// Whether it is reached from outside its own network at all (the engine publishes only these).
    pub published: bool,
}

impl Port {
    /// A port for this machine alone.
    pub const fn local(purpose: &'static str, offset: u16) -> Self {
        Self { purpose, offset, world: false, published: true }
    }

    /// A port for other services alone.
    pub const fn inner(purpose: &'static str, offset: u16) -> Self {
        Self { purpose, offset, world: false, published: false }
    }

    /// A port for the world.
    pub const fn world(purpose: &'static str, offset: u16) -> Self {
        Self { purpose, offset, world: true, published: true }
    }
}

/// What of a service goes into a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backup {
    /// Nothing: it can be rebuilt (blocks, indexes) or must never be restored (live channel state).
    Nothing,
    /// This file under its data folder, whenever it changes.
    OnChange(&'static str),
    /// A dump by its own means.
    Dump,
}

/// What a service is started with: its program, and files that stand at `/config`.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// Program and arguments; no secrets.
    pub command: Vec<String>,
    /// Environment; no secrets.
    pub env: BTreeMap<String, String>,
    /// Name and contents of each file at `/config`.
    pub files: Vec<(String, String)>,
}

/// A credential or secret that rendering needs does not exist yet; the reconciler makes it and comes again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("waiting for {0}")]
pub struct NotYet(pub String);

/// A service of the catalog.
#[async_trait]
pub trait Service: Send + Sync {
    /// Its name.
    fn name(&self) -> ServiceName;

    /// Its number, 0 to 98, for life: its user id is the box's base and this.
    fn number(&self) -> u32;

    /// The service whose image it uses: its own, but for the playground's second node.
    fn image(&self) -> ServiceName {
        self.name()
    }

    /// When it is part of a box.
    fn presence(&self) -> Presence;

    /// Services that must answer before it starts.
    fn needs(&self) -> &'static [ServiceName] {
        &[]
    }

    /// Why this choice of services excludes it, in a sentence.
    fn excluded_by(&self, _choice: &ServiceChoice) -> Option<&'static str> {
        None
    }

    /// Ports it listens on.
    fn ports(&self) -> &'static [Port] {
        &[]
    }

    /// The credentials that others hold for it.
    fn grants(&self) -> Vec<Grant> {
        Vec::new()
    }

    /// What it may use.
    fn limits(&self, network: Network) -> Limits;

    /// How long it may take to stop.
    fn stop_grace(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// How long a fresh start may take until it answers.
    fn answers_within(&self) -> Duration {
        Duration::from_secs(120)
    }

    /// Whether it fills the disk by itself and must stop before the disk is full.
    fn is_indexer(&self) -> bool {
        false
    }

    /// Whether its data folder can be emptied and made again from other services.
    fn is_rebuildable(&self) -> bool {
        false
    }

    /// What of it is backed up.
    fn backup(&self) -> Backup {
        Backup::Nothing
    }

    /// Its program and files.
    fn render(&self, context: &Context) -> Result<Rendered, NotYet>;

    /// How it is now.
    async fn probe(&self, look: &Look) -> Health;

    /// What these last log lines say went wrong, when it is something that starting again cannot mend.
    fn diagnose(&self, _last_lines: &[String]) -> Option<Diagnosis> {
        None
    }
}

/// Something that a restart cannot mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Diagnosis {
    /// Its data is damaged; a rebuild can be offered.
    DataDamaged,
    /// It does not take its wallet password.
    WalletPassword,
}

/// The service of this name.
pub fn find(name: &ServiceName) -> Option<&'static dyn Service> {
    ALL.iter().copied().find(|service| service.name() == *name)
}

/// The service of this name, or an error that names those there are.
pub fn get(name: &ServiceName) -> Result<&'static dyn Service, Error> {
    find(name).ok_or_else(|| {
        let names: Vec<String> = ALL.iter().map(|s| s.name().to_string()).collect();
        Error::not_found(format!("There is no service '{name}'. There are: {}.", names.join(", ")))
    })
}

/// Services that need this one.
pub fn needed_by(name: &ServiceName) -> Vec<ServiceName> {
    ALL.iter().filter(|s| s.needs().contains(name)).map(|s| s.name()).collect()
}

/// Checks needs and ports of the catalog's services: every need exists, none in a circle, no port twice.
pub fn check(services: &[&dyn Service]) -> Result<(), BadCatalog> {
    let mut ports: BTreeMap<u16, ServiceName> = BTreeMap::new();
    for service in services {
        for port in service.ports() {
            if let Some(first) = ports.insert(port.offset, service.name()) {
                return Err(BadCatalog::PortClash { port: port.offset, first, second: service.name() });
            }
        }
        for need in service.needs() {
            if !services.iter().any(|s| s.name() == *need) {
                return Err(BadCatalog::Missing { service: service.name(), missing: need.clone() });
            }
        }
    }
    let mut placed: Vec<ServiceName> = Vec::new();
    while placed.len() < services.len() {
        let before = placed.len();
        for service in services {
            let ready = service.needs().iter().all(|need| placed.contains(need));
            if ready && !placed.contains(&service.name()) {
                placed.push(service.name());
            }
        }
        if placed.len() == before {
            let stuck: Vec<String> = services
                .iter()
                .filter(|s| !placed.contains(&s.name()))
                .map(|s| s.name().to_string())
                .collect();
            return Err(BadCatalog::Cycle(stuck.join(" ↔ ")));
        }
    }
    Ok(())
}

/// Why this choice cannot be, in a sentence for the owner.
pub fn check_choice(choice: &ServiceChoice) -> Result<(), Error> {
    for name in &choice.optional {
        let service = get(name)?;
        if service.presence() != Presence::Optional {
            return Err(Error::invalid(format!("{name} is not an optional service.")));
        }
        if let Some(reason) = service.excluded_by(choice) {
            return Err(Error::conflict(reason));
        }
    }
    if choice.prune_mib.is_some_and(|mib| mib < 550) {
        return Err(Error::invalid(
            "Keep at least 550 MiB of blocks: Bitcoin's node refuses to work with less.",
        ));
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
