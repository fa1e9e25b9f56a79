//! Bitcoin's node: Core or Knots, one configuration for both.

use std::{fmt::Write as _, time::Duration};

use async_trait::async_trait;

use super::{
    BITCOIND, Context, Diagnosis, ELECTRS, LND, Look, NBXPLORER, NotYet, OUTSIDE, PLAYGROUND, Port, Presence,
    Rendered, SUPERVISOR, Service, TOR,
};
use crate::{
    node::{
        edges::{Grant, Right, rpcauth},
        health::Health,
    },
    ports::{PortError, runtime::Limits},
    types::{Network, ServiceName},
};

pub(super) struct Bitcoind;

/// What electrs 0.11 calls.
const FOR_ELECTRS: &[&str] = &[
    "estimatesmartfee",
    "getblock",
    "getblockchaininfo",
    "getblockcount",
    "getblockhash",
    "getblockheader",
    "getbestblockhash",
    "getmempoolentry",
    "getmempoolinfo",
    "getnetworkinfo",
    "getrawmempool",
    "getrawtransaction",
    "getblockstats",
    "sendrawtransaction",
    "uptime",
];

/// What LND 0.21 calls. `getinfo` does not exist, but LND probes for it, and takes the refusal of a
/// method that is not on the list for a broken backend; then its broadcasts and sweeps fail.
const FOR_LND: &[&str] = &[
    "estimatesmartfee",
    "getbestblockhash",
    "getblock",
    "getblockchaininfo",
    "getblockcount",
    "getblockhash",
    "getblockheader",
    "getdeploymentinfo",
    "getinfo",
    "getmempoolinfo",
    "getnetworkinfo",
    "getpeerinfo",
    "getrawmempool",
    "getrawtransaction",
    "gettxout",
    "gettxspendingprevout",
    "getzmqnotifications",
    "sendrawtransaction",
    "submitpackage",
    "testmempoolaccept",
    "uptime",
];

/// What NBXplorer calls.
const FOR_NBXPLORER: &[&str] = &[
    "addnode",
    "estimatesmartfee",
    "generatetoaddress",
    "getbestblockhash",
    "getblock",
    "getblockchaininfo",
    "getblockcount",
    "getblockfilter",
    "getblockhash",
    "getblockheader",
    "getblockstats",
    "getindexinfo",
    "getmempoolentry",
    "getmempoolinfo",
    "getnetworkinfo",
    "getpeerinfo",
    "getrawmempool",
    "getrawtransaction",
    "gettxout",
    "help",
    "scantxoutset",
    "sendrawtransaction",
    "testmempoolaccept",
    "uptime",
];

/// What the supervisor asks to judge health.
const FOR_SUPERVISOR: &[&str] = &["getblockchaininfo"];

/// What the playground's miner and faucet need; on regtest only.
const FOR_PLAYGROUND: &[&str] = &[
    "createwallet",
    "generatetoaddress",
    "getbalances",
    "getblockchaininfo",
    "getblockcount",
    "getnewaddress",
    "gettxoutsetinfo",
    "listwallets",
    "loadwallet",
    "sendtoaddress",
    "settxfee",
];

#[async_trait]
impl Service for Bitcoind {
    fn name(&self) -> ServiceName {
        BITCOIND
    }

    fn number(&self) -> u32 {
        1
    }

    fn presence(&self) -> Presence {
        Presence::Standard
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[
            Port::local("rpc", 1),
            Port::world("p2p", 2),
            Port::inner("internal-p2p", 3),
            Port::local("zmq-block", 4),
            Port::local("zmq-tx", 5),
        ];
        PORTS
    }

    fn grants(&self) -> Vec<Grant> {
        let rpc = |consumer, methods| Grant { consumer, right: Right::Rpc(methods) };
        vec![
            rpc(SUPERVISOR, FOR_SUPERVISOR),
            rpc(ELECTRS, FOR_ELECTRS),
            rpc(LND, FOR_LND),
            rpc(OUTSIDE, FOR_LND),
            rpc(NBXPLORER, FOR_NBXPLORER),
            rpc(PLAYGROUND, FOR_PLAYGROUND),
        ]
    }

    fn limits(&self, network: Network) -> Limits {
        Limits { memory_mib: if network == Network::Regtest { 1024 } else { 4096 }, pids: 512, files: 8192 }
    }

    fn stop_grace(&self) -> Duration {
        // Writing out the block index and the UTXO cache of a busy node on a slow disk takes minutes;
        // a kill in the middle costs a reindex.
        Duration::from_secs(15 * 60)
    }

    fn answers_within(&self) -> Duration {
        Duration::from_secs(15 * 60)
    }

    fn is_indexer(&self) -> bool {
        true
    }

    fn render(&self, context: &Context) -> Result<Rendered, NotYet> {
        let mut conf = String::new();
        let network = context.network;
        let bind = context.bind();
        let port = |purpose| context.ports.of(&BITCOIND, purpose);
        let world = if network == Network::Regtest { bind } else { "0.0.0.0" };
        // Option names are the same in Core and Knots; those of a network other than main need a section.
        let _ = writeln!(conf, "chain={}\nserver=1\nprinttoconsole=1\nnodebuglogfile=1", network.chain());
        let _ =
            writeln!(conf, "rpcthreads=16\nrpcworkqueue=128\nrpcwhitelistdefault=1\nlistenonion=0\nnatpmp=0");
        match context.choice.prune_mib {
            Some(mib) => {
                let _ = writeln!(conf, "prune={mib}");
            }
            None => conf.push_str("prune=0\n"),
        }
        conf.push_str(if network == Network::Regtest {
            "fallbackfee=0.0001\ndnsseed=0\ndns=0\nfixedseeds=0\nmaxtipage=31536000\n"
        } else {
            "disablewallet=1\n"
        });
        if context.choice.optional.contains(&TOR) {
            let _ = writeln!(conf, "onion={}", context.address(&TOR, "socks"));
        }
        for grant in self.grants() {
            for credential in
                context.credentials.honoured(&BITCOIND).filter(|c| c.edge.consumer == grant.consumer)
            {
                let _ = writeln!(conf, "{}", rpcauth::line(credential, grant.right));
                let _ = writeln!(conf, "{}", rpcauth::whitelist(credential, grant.right));
            }
        }
        let _ = writeln!(conf, "[{}]", network.chain());
        let _ = writeln!(conf, "rpcbind={bind}\nrpcport={}", port("rpc"));
        for range in rpc_allow(context.engine) {
            let _ = writeln!(conf, "rpcallowip={range}");
        }
        let _ = writeln!(conf, "bind={world}:{}", port("p2p"));
        let _ = writeln!(conf, "whitebind=download,noban@{bind}:{}", port("internal-p2p"));
        let _ = writeln!(conf, "zmqpubrawblock=tcp://{bind}:{}", port("zmq-block"));
        let _ = writeln!(conf, "zmqpubrawtx=tcp://{bind}:{}", port("zmq-tx"));
        Ok(Rendered {
            command: ["bitcoind", "-datadir=/data", "-conf=/config/bitcoin.conf"].map(String::from).to_vec(),
            files: vec![("bitcoin.conf".to_owned(), conf)],
            ..Rendered::default()
        })
    }

    async fn probe(&self, look: &Look) -> Health {
        let Ok(credential) = look.context.credential(&SUPERVISOR, &BITCOIND) else { return Health::Starting };
        let user = credential.user(Right::Rpc(FOR_SUPERVISOR));
        let node = look.doors.bitcoin(look.context.ports.of(&BITCOIND, "rpc"), &user, &credential.secret);
        match node.chain_info().await {
            Ok(info) if info.chain != look.context.network.chain() => Health::Bad {
                sentence: format!("It runs on {} instead of {}.", info.chain, look.context.network.chain()),
            },
            Ok(info) if info.initial_block_download => {
                let share = (info.verification_progress.clamp(0.0, 0.9999) * 10_000.0).floor();
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 9999")]
                Health::Loading { basis_points: share as u16 }
            }
            Ok(info) if info.headers > info.blocks + 2 => Health::loading(info.blocks, info.headers),
            Ok(_) => Health::Good,
            Err(PortError::Starting(_) | PortError::Unreachable(_)) => Health::Starting,
            Err(error) => Health::Bad { sentence: format!("It answers, but not as it should: {error}.") },
        }
    }

    fn diagnose(&self, last_lines: &[String]) -> Option<Diagnosis> {
        let damaged = ["Corrupted block database", "Error opening block database", "Fatal LevelDB error"];
        last_lines
            .iter()
            .any(|line| damaged.iter().any(|mark| line.contains(mark)))
            .then_some(Diagnosis::DataDamaged)
    }
}

/// Who may reach the RPC port at all: under an engine its private networks, else this machine.
fn rpc_allow(engine: bool) -> &'static [&'static str] {
    if engine { &["127.0.0.1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"] } else { &["127.0.0.1"] }
}
