//! A box as it looks on a good day, for tests and screenshots.

use super::{FakeState, answers::push};
use crate::{
    control::{
        Actor, CaView, DiskView, EdgeView, PlaygroundView, ServiceLine, ServiceView, SetupState, StatusView,
        UpdateView,
    },
    node::{
        alerts::{Alarm, AlarmKind},
        health::Health,
    },
    ports::runtime::{Exit, LogLine, Usage},
    types::{EdgeName, Generation, Network, ServiceName, Timestamp},
};

const BITCOIND: ServiceName = ServiceName::new("bitcoind");
const ELECTRS: ServiceName = ServiceName::new("electrs");
const LND: ServiceName = ServiceName::new("lnd");
const BTCPAY: ServiceName = ServiceName::new("btcpay");

/// 2026-11-22 12:00:00 UTC.
const NOON: Timestamp = Timestamp(1_795_348_800_000);
const MINUTE: i64 = 60_000;

const WORDS: &str = "abandon ability able about above absent absorb abstract absurd abuse access accident \
     account accuse achieve acid acoustic acquire across act action actor actress actual";

/// The words that a new fake box shows.
fn words() -> Vec<String> {
    WORDS.split_whitespace().map(str::to_owned).collect()
}

/// A regtest box that is set up and good.
pub(super) fn good() -> FakeState {
    let mut state = fresh();
    state.setup = SetupState { claimed: true, root_confirmed: true, recovery_set: true, committed: true };
    state.claim_code = None;
    state.recovery = Some("a long recovery passphrase".to_owned());
    state.status.network = Some(Network::Regtest);
    state.status.generation = Generation(1);
    state.status.block_height = Some(312);
    state.services = services();
    state.edges = edges();
    state.updates = updates();
    state.alarms = vec![Alarm {
        id: 1,
        kind: AlarmKind::CrashLoop,
        service: Some(ELECTRS),
        sentence: "electrs crashed 10 times in a row. We go on trying, more slowly.".to_owned(),
        since: Timestamp(NOON.0 - 90 * MINUTE),
        gone: Some(Timestamp(NOON.0 - 80 * MINUTE)),
        acknowledged: None,
    }];
    for name in [BITCOIND, ELECTRS, LND] {
        state.logs.insert(name.clone(), log(&name));
    }
    state.playground = PlaygroundView {
        height: 312,
        faucet_sats: 4_999_000_000,
        outside: Some(format!("02{}", "7f".repeat(32))),
        channel: Some((5_000_000, 2_500_000)),
        txid: None,
    };
    let (ana, machine) = (actor("owner:ana", "192.0.2.7"), actor("box", "box"));
    push(&mut state, Timestamp(NOON.0 - 120 * MINUTE), &ana, "setup.commit", "regtest", "Set-up is done.");
    let crash = "electrs ended: killed by signal 9. It is started again.";
    push(&mut state, Timestamp(NOON.0 - 95 * MINUTE), &machine, "service.crashed", "electrs", crash);
    push(
        &mut state,
        Timestamp(NOON.0 - 20 * MINUTE),
        &ana,
        "edge.rotate",
        "lnd:bitcoind",
        "The old one is dead.",
    );
    state
}

/// A new box that waits for its claim code.
pub(super) fn fresh() -> FakeState {
    FakeState {
        status: StatusView {
            name: "flashnode".to_owned(),
            network: None,
            generation: Generation(0),
            locked: false,
            rescue: None,
            runtime: "process (bubblewrap 0.8.0)".to_owned(),
            block_height: None,
            services: Vec::new(),
            alarms: Vec::new(),
            disk: DiskView { free: 700_000_000_000, total: 1_000_000_000_000 },
            at: NOON,
        },
        services: Vec::new(),
        logs: Default::default(),
        edges: Vec::new(),
        alarms: Vec::new(),
        updates: Vec::new(),
        staged: None,
        audit: Vec::new(),
        findings: Vec::new(),
        ca: CaView {
            pem: "-----BEGIN CERTIFICATE-----\nRkFLRQ==\n-----END CERTIFICATE-----\n".to_owned(),
            fingerprint: "5e".repeat(32),
        },
        playground: PlaygroundView::default(),
        setup: SetupState::default(),
        claim_code: Some("ABCDE-FGHJK".to_owned()),
        claim_tries: 10,
        words: words(),
        recovery: None,
        requests: Vec::new(),
        fail_next: None,
        away: false,
    }
}

fn actor(who: &str, from: &str) -> Actor {
    Actor { who: who.to_owned(), from: from.to_owned() }
}

fn services() -> Vec<ServiceView> {
    let mut bitcoind = service(BITCOIND, "29.2", &[], &[ELECTRS, LND]);
    bitcoind.line.flavour = Some("Knots".to_owned());
    bitcoind.stop_grace_s = 900;
    bitcoind.ports = vec![("RPC".to_owned(), 21_000, false), ("peers".to_owned(), 21_001, true)];
    let mut electrs = service(ELECTRS, "0.11.0", &[BITCOIND], &[]);
    electrs.line.optional = true;
    electrs.rebuildable = true;
    electrs.last_exit = Some((
        Exit {
            code: None,
            signal: Some(9),
            out_of_memory: false,
            at: Timestamp(NOON.0 - 95 * MINUTE),
            asked: false,
        },
        vec!["[INFO  electrs::index] indexing 2000 blocks".to_owned()],
    ));
    electrs.line.note = Some("It was restarted after: killed by signal 9.".to_owned());
    let mut lnd = service(LND, "0.21.3-beta", &[BITCOIND], &[BTCPAY]);
    lnd.line.optional = true;
    let mut btcpay = service(BTCPAY, "2.4.7", &[BITCOIND, LND], &[]);
    btcpay.line.optional = true;
    btcpay.line.wanted = false;
    btcpay.line.health = Health::Waiting;
    btcpay.line.unavailable = Some("Its image cannot be pulled from here.".to_owned());
    (btcpay.since, btcpay.pid, btcpay.usage) = (None, None, None);
    let edges = edges();
    let mut all = vec![bitcoind, electrs, lnd, btcpay];
    for service in &mut all {
        let of = |mine: fn(&EdgeName) -> &ServiceName| {
            edges.iter().filter(|edge| *mine(&edge.edge) == service.line.name).cloned().collect()
        };
        (service.gives, service.takes) = (of(|edge| &edge.provider), of(|edge| &edge.consumer));
    }
    all
}

fn service(
    name: ServiceName,
    version: &str,
    needs: &[ServiceName],
    needed_by: &[ServiceName],
) -> ServiceView {
    ServiceView {
        line: ServiceLine {
            name,
            flavour: None,
            version: version.to_owned(),
            wanted: true,
            optional: false,
            health: Health::Good,
            unavailable: None,
            seconds_left: None,
            note: None,
        },
        since: Some(Timestamp(NOON.0 - 95 * MINUTE)),
        pid: Some(4242),
        usage: Some(Usage { memory: 412 * 1024 * 1024, cpu_ms: 93_000 }),
        memory_limit_mib: 2048,
        needs: needs.to_vec(),
        needed_by: needed_by.to_vec(),
        stop_grace_s: 60,
        ports: Vec::new(),
        crashes: 0,
        last_exit: None,
        plan: "It runs as wanted.".to_owned(),
        gives: Vec::new(),
        takes: Vec::new(),
        reverted: None,
        rebuildable: false,
    }
}

fn edges() -> Vec<EdgeView> {
    let edge =
        |consumer: ServiceName, provider, credential: &str, allows: &[&str], restarts: &[ServiceName]| {
            EdgeView {
                edge: EdgeName::new(consumer, provider),
                credential: credential.to_owned(),
                allows: allows.iter().map(|&word| word.to_owned()).collect(),
                since: Some(Timestamp(NOON.0 - 20 * MINUTE)),
                rotating: false,
                restarts: restarts.to_vec(),
            }
        };
    vec![
        edge(ELECTRS, BITCOIND, "rpcauth", &["getblockchaininfo", "getblock"], &[BITCOIND, ELECTRS]),
        edge(LND, BITCOIND, "rpcauth", &["getblockchaininfo", "sendrawtransaction"], &[BITCOIND, LND]),
        edge(BTCPAY, LND, "macaroon", &["uri:/lnrpc.Lightning/AddInvoice"], &[BTCPAY]),
    ]
}

fn updates() -> Vec<UpdateView> {
    let update = |name, pinned: &str, offered: &str| UpdateView {
        name,
        pinned: pinned.to_owned(),
        offered: offered.to_owned(),
        source: "built".to_owned(),
        update: pinned != offered,
        revoked: None,
        unavailable: None,
    };
    vec![
        update(BITCOIND, "29.2", "29.2"),
        update(ELECTRS, "0.11.0", "0.11.1"),
        update(LND, "0.21.3-beta", "0.21.3-beta"),
    ]
}

fn log(name: &ServiceName) -> Vec<LogLine> {
    let line = |i: i64| LogLine {
        at: Timestamp(NOON.0 - (200 - i) * 1000),
        text: format!("{name}: UpdateTip: new best height={} <b>not markup</b>", 112 + i),
    };
    (0..200).map(line).collect()
}
