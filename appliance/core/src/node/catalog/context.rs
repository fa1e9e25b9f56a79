//! What a service's module is given: where things are when it renders, and whom it may ask when it is probed.

use std::{net::SocketAddr, sync::Arc};

use super::NotYet;
use crate::{
    control::ServiceChoice,
    node::edges::{Credential, Credentials, Stage},
    ports::{
        bitcoin::Bitcoin,
        database::Database,
        electrum::Electrum,
        lightning::{Lightning, WalletMaker},
        web::WebService,
    },
    types::{EdgeName, Network, Secret, ServiceName, Timestamp},
};

/// The box's ports: a base and the services' offsets.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// The first of 100 ports.
    pub base: u16,
}

impl Ports {
    /// The port of `service` for `purpose`. The catalog's own names only, so an absent one is our mistake.
    pub fn of(self, service: &ServiceName, purpose: &str) -> u16 {
        super::find(service)
            .and_then(|s| s.ports().iter().find(|p| p.purpose == purpose))
            .map_or_else(|| unreachable!("{service} has no port '{purpose}'"), |port| self.base + port.offset)
    }
}

/// A port of this machine's loopback.
pub fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Everything that rendering may depend on.
#[derive(Clone, Debug)]
pub struct Context {
    /// The box's name.
    pub box_name: String,
    /// The network.
    pub network: Network,
    /// The owner's choice.
    pub choice: ServiceChoice,
    /// Whether services run under an engine and reach each other by name.
    pub engine: bool,
    /// Ports.
    pub ports: Ports,
    /// Credentials of every edge.
    pub credentials: Credentials,
    /// Secrets that belong to one service alone.
    pub secrets: OwnSecrets,
    /// What our own app is started with.
    pub app: Option<AppFiles>,
    /// Where the pages are served, for the onion address.
    pub app_listen: Option<SocketAddr>,
}

/// What our own app is started with; the supervisor makes it.
#[derive(Clone, Debug)]
pub struct AppFiles {
    /// The program.
    pub program: String,
    /// The box's folder.
    pub box_dir: String,
    /// Where it sees its files.
    pub config_dir: String,
    /// Where it serves its pages.
    pub listen: SocketAddr,
    /// `app.json`.
    pub settings: Secret<String>,
    /// Its certificate, PEM.
    pub certificate: Secret<String>,
    /// The certificate's key, PEM.
    pub key: Secret<String>,
}

/// Secrets that belong to one service alone, by `service/purpose`.
#[derive(Clone, Debug, Default)]
pub struct OwnSecrets(pub std::collections::BTreeMap<String, Secret<String>>);

impl OwnSecrets {
    /// The secret of this name, when it has been made.
    pub fn get(&self, name: &str) -> Result<&Secret<String>, NotYet> {
        self.0.get(name).ok_or_else(|| NotYet(format!("the secret {name}")))
    }
}

impl Context {
    /// By which name or address a service reaches another.
    pub fn host(&self, of: &ServiceName) -> String {
        if self.engine { of.to_string() } else { "127.0.0.1".to_owned() }
    }

    /// The address a service listens on, so that those who should can reach it.
    pub fn bind(&self) -> &'static str {
        if self.engine { "0.0.0.0" } else { "127.0.0.1" }
    }

    /// `host:port` of another service.
    pub fn address(&self, of: &ServiceName, purpose: &str) -> String {
        format!("{}:{}", self.host(of), self.ports.of(of, purpose))
    }

    /// The credential that `consumer` uses at `provider` now.
    pub fn credential(&self, consumer: &ServiceName, provider: &ServiceName) -> Result<&Credential, NotYet> {
        self.credentials
            .in_use(consumer, provider)
            .ok_or_else(|| NotYet(format!("the credential {consumer}:{provider}")))
    }
}

/// Opens doors to running services with the supervisor's own credentials. Adapters implement it.
pub trait Doors: Send + Sync {
    /// Bitcoin's node at this loopback port.
    fn bitcoin(&self, port: u16, user: &str, password: &Secret<String>) -> Arc<dyn Bitcoin>;
    /// The Electrum server, with its metrics port.
    fn electrum(&self, port: u16, metrics: u16) -> Arc<dyn Electrum>;
    /// A Lightning node at this REST port, whose certificate the box's inner CA has made.
    fn lightning(&self, port: u16, macaroon: Option<&Secret<String>>) -> Arc<dyn Lightning>;
    /// The unlocker of a Lightning node without a wallet, at a socket that only its user and root can open.
    fn wallet_maker(&self, socket: &std::path::Path) -> Arc<dyn WalletMaker>;
    /// A small file that a service has written, read as root without being led astray: no link is followed,
    /// nothing but a plain file of that user is read, and at most 4 KiB of it.
    fn small_file(&self, path: &std::path::Path, user: u32) -> Option<Vec<u8>>;
    /// PostgreSQL's superuser at this port.
    fn database(&self, port: u16, password: &Secret<String>) -> Arc<dyn Database>;
    /// An HTTP service of this machine; `https` trusts the box's own CA only.
    fn web(&self, at: SocketAddr, https: bool, basic: Option<(&str, &Secret<String>)>)
    -> Arc<dyn WebService>;
    /// How far Tor's bootstrap is, in percent, over its control port; `cookie` is 32 bytes.
    fn tor(&self, port: u16, cookie: [u8; 32]) -> Arc<dyn TorControl>;
}

/// Tor's control port.
#[async_trait::async_trait]
pub trait TorControl: Send + Sync {
    /// `GETINFO status/bootstrap-phase`, in percent.
    async fn bootstrap_percent(&self) -> crate::ports::PortResult<u8>;
}

/// What a probe is given.
pub struct Look {
    /// Doors.
    pub doors: Arc<dyn Doors>,
    /// Where things are and the supervisor's own credentials.
    pub context: Arc<Context>,
    /// The chain's tip as bitcoind said in this pass or the one before.
    pub tip: Option<u64>,
    /// The box's clock, seconds since 1970.
    pub now: i64,
    /// The service's user.
    pub user: u32,
    /// The service's data folder on the host.
    pub data: std::path::PathBuf,
}

/// A context in which every credential and secret exists, with `mark` in place of each: for `flashnode compose`,
/// which renders commands and ports alone, and for tests.
pub fn placeholders(network: Network, engine: bool, mark: impl Fn(&str) -> String) -> Context {
    let grants = super::ALL.iter().flat_map(|s| s.grants().into_iter().map(move |grant| (s.name(), grant)));
    let credentials = grants.zip(1..).map(|((provider, grant), serial)| Credential {
        secret: Secret::new(mark(&format!("{}:{provider}", grant.consumer))),
        edge: EdgeName::new(grant.consumer, provider),
        serial,
        stage: Stage::Current,
        salt: "00".repeat(16),
        since: Timestamp(0),
    });
    let of_nodes = ["wallet-password", "wallet-made", "tls.crt", "tls.key", "tls.fingerprint"];
    let names = of_nodes.iter().flat_map(|n| [format!("lnd/{n}"), format!("outside/{n}")]);
    let names = names.chain(["postgres/superuser".to_owned(), "btcpay/admin-password".to_owned()]);
    Context {
        box_name: "flashnode".to_owned(),
        network,
        choice: crate::node::wanted::nothing_chosen(),
        engine,
        ports: Ports { base: 21_000 },
        credentials: Credentials::new(credentials.collect()),
        secrets: OwnSecrets(names.map(|name| (name.clone(), Secret::new(mark(&name)))).collect()),
        app: None,
        app_listen: None,
    }
}
