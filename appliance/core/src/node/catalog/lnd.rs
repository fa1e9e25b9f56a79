//! The Lightning node. Its wallet is made and its macaroons are baked by the supervisor, never by hand.

use std::{fmt::Write as _, time::Duration};

use async_trait::async_trait;

use super::{
    BITCOIND, BTCPAY, Backup, Context, Diagnosis, LND, Look, NotYet, PLAYGROUND, Port, Presence, Rendered,
    SUPERVISOR, Service, TOR,
};
use crate::{
    node::{
        edges::{Grant, Right},
        health::Health,
    },
    ports::{PortError, lightning::WalletState, runtime::Limits},
    types::{Network, ServiceName},
};

pub(super) struct Lnd;

/// What the supervisor calls: to judge health, and to bake and revoke the others' macaroons.
pub(super) const FOR_SUPERVISOR: &[&str] =
    &["/lnrpc.Lightning/GetInfo", "/lnrpc.Lightning/BakeMacaroon", "/lnrpc.Lightning/DeleteMacaroonID"];

/// What BTCPay Server calls. `invoices:write` would include HtlcModifier, which can forge a paid amount.
const FOR_BTCPAY: &[&str] = &[
    "/lnrpc.Lightning/GetInfo",
    "/lnrpc.Lightning/AddInvoice",
    "/lnrpc.Lightning/LookupInvoice",
    "/lnrpc.Lightning/ListInvoices",
    "/lnrpc.Lightning/SubscribeInvoices",
    "/lnrpc.Lightning/ListChannels",
    "/lnrpc.Lightning/ChannelBalance",
    "/lnrpc.Lightning/WalletBalance",
    "/lnrpc.Lightning/NewAddress",
    "/lnrpc.Lightning/ListPeers",
    "/lnrpc.Lightning/DecodePayReq",
    "/invoicesrpc.Invoices/CancelInvoice",
];

/// What the playground does at both ends of its channel.
pub(super) const FOR_PLAYGROUND: &[&str] = &[
    "/lnrpc.Lightning/GetInfo",
    "/lnrpc.Lightning/NewAddress",
    "/lnrpc.Lightning/WalletBalance",
    "/lnrpc.Lightning/ConnectPeer",
    "/lnrpc.Lightning/ListPeers",
    "/lnrpc.Lightning/OpenChannelSync",
    "/lnrpc.Lightning/ListChannels",
    "/lnrpc.Lightning/PendingChannels",
];

#[async_trait]
impl Service for Lnd {
    fn name(&self) -> ServiceName {
        LND
    }

    fn number(&self) -> u32 {
        4
    }

    fn presence(&self) -> Presence {
        Presence::Standard
    }

    fn needs(&self) -> &'static [ServiceName] {
        const NEEDS: &[ServiceName] = &[BITCOIND];
        NEEDS
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[Port::world("p2p", 20), Port::local("grpc", 21), Port::local("rest", 22)];
        PORTS
    }

    fn grants(&self) -> Vec<Grant> {
        let macaroon = |consumer, uris| Grant { consumer, right: Right::Macaroon(uris) };
        vec![
            macaroon(SUPERVISOR, FOR_SUPERVISOR),
            macaroon(BTCPAY, FOR_BTCPAY),
            macaroon(PLAYGROUND, FOR_PLAYGROUND),
        ]
    }

    fn limits(&self, _network: Network) -> Limits {
        Limits { memory_mib: 2048, pids: 512, files: 8192 }
    }

    fn stop_grace(&self) -> Duration {
        Duration::from_secs(5 * 60)
    }

    fn answers_within(&self) -> Duration {
        Duration::from_secs(5 * 60)
    }

    fn backup(&self) -> Backup {
        // The static channel backup only. Live channel state must never be backed up or restored:
        // an old state that is broadcast gives every channel's money to the other side.
        Backup::OnChange(".lnd/data/chain/bitcoin/*/channel.backup")
    }

    fn render(&self, context: &Context) -> Result<Rendered, NotYet> {
        render(context, &LND)
    }

    async fn probe(&self, look: &Look) -> Health {
        probe(look, &LND).await
    }

    fn diagnose(&self, last_lines: &[String]) -> Option<Diagnosis> {
        last_lines
            .iter()
            .any(|line| line.contains("invalid passphrase for master"))
            .then_some(Diagnosis::WalletPassword)
    }
}

/// The socket of a node without a wallet, in its data folder.
pub const UNLOCKER: &str = "unlocker.sock";

/// The secret that says that the wallet was made.
pub const WALLET_MADE: &str = "wallet-made";

/// LND's files for the node of this name.
pub(super) fn render(context: &Context, name: &ServiceName) -> Result<Rendered, NotYet> {
    let rpc = context.credential(name, &BITCOIND)?;
    let secret = |what: &str| context.secrets.get(&format!("{name}/{what}"));
    let port = |purpose| context.ports.of(name, purpose);
    let bind = context.bind();
    let world = if context.network == Network::Regtest { bind } else { "0.0.0.0" };
    let mut conf = String::from("[Application Options]\n");
    let _ = writeln!(conf, "listen={world}:{}", port("p2p"));
    if secret(WALLET_MADE).is_ok() {
        let _ = writeln!(conf, "rpclisten={bind}:{}\nrestlisten={bind}:{}", port("grpc"), port("rest"));
    } else {
        // Until there is a wallet anybody who connects may make one: nobody but root and its own user can, here.
        let _ = writeln!(conf, "rpclisten=unix:///data/{UNLOCKER}\nrestlisten=unix:///data/rest.sock");
    }
    // Our own CA makes its certificate, so that nobody has to trust a self-signed one.
    conf.push_str("tlscertpath=/config/tls.crt\ntlskeypath=/config/tls.key\n");
    conf.push_str("wallet-unlock-password-file=/config/wallet.password\nwallet-unlock-allow-create=true\n");
    conf.push_str(
        "logging.file.disable=true\nstagger-initial-reconnect=true\nignore-historical-gossip-filters=true\n",
    );
    let _ = writeln!(conf, "alias={}", if *name == LND { &context.box_name } else { "outside" });
    let network = if context.network == Network::Testnet4 { "testnet4" } else { context.network.as_str() };
    let _ = writeln!(conf, "[Bitcoin]\nbitcoin.node=bitcoind\nbitcoin.{network}=true");
    let _ = writeln!(conf, "[Bitcoind]\nbitcoind.rpchost={}", context.address(&BITCOIND, "rpc"));
    let _ = writeln!(
        conf,
        "bitcoind.rpcuser={}\nbitcoind.rpcpass={}",
        rpc.user(Right::Rpc(&[])),
        rpc.secret.expose()
    );
    let _ = writeln!(conf, "bitcoind.zmqpubrawblock=tcp://{}", context.address(&BITCOIND, "zmq-block"));
    let _ = writeln!(conf, "bitcoind.zmqpubrawtx=tcp://{}", context.address(&BITCOIND, "zmq-tx"));
    conf.push_str("[db]\ndb.backend=sqlite\ndb.use-native-sql=true\n");
    // LND's own check of its chain backend ends LND when bitcoind is slow; the supervisor watches both instead.
    conf.push_str("[healthcheck]\nhealthcheck.chainbackend.attempts=0\nhealthcheck.diskspace.attempts=0\n");
    if *name == LND && context.choice.optional.contains(&TOR) && context.network != Network::Regtest {
        let _ = writeln!(conf, "[tor]\ntor.active=true\ntor.socks={}", context.address(&TOR, "socks"));
        conf.push_str("tor.skip-proxy-for-clearnet-targets=true\n");
    }
    let file = |name: &str, contents: &str| (name.to_owned(), contents.to_owned());
    Ok(Rendered {
        // No --lnddir: with one, LND puts its own paths in the place of tlscertpath and tlskeypath. Its default is
        // ~/.lnd, and home is /data.
        command: ["lnd", "--configfile=/config/lnd.conf"].map(String::from).to_vec(),
        files: vec![
            file("lnd.conf", &conf),
            file("tls.crt", secret("tls.crt")?.expose()),
            file("tls.key", secret("tls.key")?.expose()),
            file("wallet.password", secret("wallet-password")?.expose()),
        ],
        ..Rendered::default()
    })
}

/// LND counts as not synced when its newest header is older than two hours; then it really waits, in seconds.
const FRESH: i64 = 2 * 60 * 60;

/// How the node of this name is.
pub(super) async fn probe(look: &Look, name: &ServiceName) -> Health {
    let port = look.context.ports.of(name, "rest");
    let macaroon = look.context.credential(&SUPERVISOR, name).ok();
    let node = look.doors.lightning(port, macaroon.map(|c| &c.secret));
    match node.state().await {
        // Without a macaroon of ours it cannot be asked how far it is; the supervisor bakes one next.
        Ok(WalletState::RpcActive | WalletState::ServerActive) if macaroon.is_none() => Health::Starting,
        Ok(WalletState::RpcActive | WalletState::ServerActive) => match node.info().await {
            Ok(info) if info.synced_to_chain => Health::Good,
            // With every new block it is behind for a moment; that is not worth a word.
            Ok(info)
                if info.block_height + 1 >= look.tip.unwrap_or(u64::MAX)
                    && look.now - info.best_header_time < FRESH =>
            {
                Health::Good
            }
            Ok(info) => match look.tip {
                Some(tip) if tip > 0 => Health::loading(info.block_height.min(tip.saturating_sub(1)), tip),
                _ => Health::Loading { basis_points: 0 },
            },
            Err(PortError::Refused(why)) => {
                Health::Bad { sentence: format!("It refuses our macaroon: {why}.") }
            }
            Err(_) => Health::Starting,
        },
        _ => Health::Starting,
    }
}
