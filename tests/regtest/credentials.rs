//! Every credential against every method: what is allowed is what the catalog declares, no more and no less.
//! And rotation: the old one is dead, and no other edge's credential has changed.

use std::collections::{BTreeMap, BTreeSet};

use flashnode_tests::TestBox;
use serde_json::Value;

#[test]
fn each_credential_allows_what_the_catalog_declares_and_rotates_alone() {
    let mut one = TestBox::new("edges", "process", "");
    one.start();
    one.set_up(&[]);
    one.wait_good(300);
    let edges = one.json(&["edges"]);
    bitcoind_allows_what_is_declared(&one, &edges);
    rotates_alone(&mut one, "electrs:bitcoind", true);
    rotates_alone(&mut one, "supervisor:lnd", false);
}

fn declared(edges: &Value, edge: &str) -> BTreeSet<String> {
    let of_edge = edges.as_array().into_iter().flatten().find(|e| e["edge"] == edge).expect("the edge");
    of_edge["allows"].as_array().into_iter().flatten().filter_map(|m| m.as_str().map(str::to_owned)).collect()
}

/// Asks `help` for every method, then tries each as each consumer whose credential the test can read.
fn bitcoind_allows_what_is_declared(one: &TestBox, edges: &Value) {
    let electrs = std::fs::read_to_string(one.spec_file("electrs", "electrs.toml")).expect("root reads it");
    let auth = electrs
        .lines()
        .find_map(|l| l.strip_prefix("auth = \""))
        .and_then(|l| l.strip_suffix('"'))
        .expect("auth")
        .to_owned();
    let lnd = std::fs::read_to_string(one.spec_file("lnd", "lnd.conf")).expect("root reads it");
    let of_lnd = |key: &str| lnd.lines().find_map(|l| l.strip_prefix(key)).expect("a line").to_owned();
    let lnd_auth = format!("{}:{}", of_lnd("bitcoind.rpcuser="), of_lnd("bitcoind.rpcpass="));
    // Methods that would stop the node or wait for something are only tried where they are not declared.
    for (consumer, auth) in [("electrs", auth), ("lnd", lnd_auth)] {
        let declared = declared(edges, &format!("{consumer}:bitcoind"));
        for method in METHODS {
            let status = rpc_status(one.base + 1, &auth, method);
            let allowed = status != 403;
            assert_eq!(allowed, declared.contains(*method), "{consumer} and {method}: HTTP {status}");
        }
        for method in &declared {
            assert_ne!(rpc_status(one.base + 1, &auth, method), 403, "{consumer} may call {method}");
        }
    }
    assert_eq!(rpc_status(one.base + 1, "nobody:nothing", "uptime"), 401);
}

/// Dangerous, useful and harmless methods alike; the declared ones are tried from the declaration.
const METHODS: &[&str] = &[
    "stop",
    "dumpprivkey",
    "sendtoaddress",
    "createwallet",
    "loadwallet",
    "listwallets",
    "generatetoaddress",
    "invalidateblock",
    "addnode",
    "setban",
    "importdescriptors",
    "listdescriptors",
    "getblockchaininfo",
    "getnetworkinfo",
    "getrawtransaction",
    "sendrawtransaction",
    "estimatesmartfee",
    "getpeerinfo",
    "getzmqnotifications",
    "pruneblockchain",
    "walletpassphrase",
    "getmempoolentry",
    "getrawmempool",
    "gettxout",
    "testmempoolaccept",
    "submitpackage",
    "logging",
    "getrpcinfo",
    "help",
    "uptime",
];

fn rpc_status(port: u16, auth: &str, method: &str) -> u16 {
    let body = format!(r#"{{"jsonrpc":"1.0","id":1,"method":"{method}","params":[]}}"#);
    let output = std::process::Command::new("curl")
        .args([
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "--max-time",
            "10",
            "-u",
            auth,
            "--data-binary",
            &body,
        ])
        .arg(format!("http://127.0.0.1:{port}/"))
        .output()
        .expect("curl runs");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("a status")
}

fn ages(one: &TestBox) -> BTreeMap<String, i64> {
    let edges = one.json(&["edges"]);
    let rows = edges.as_array().into_iter().flatten();
    rows.map(|e| (e["edge"].as_str().unwrap_or_default().to_owned(), e["since"].as_i64().unwrap_or(0)))
        .collect()
}

fn rotates_alone(one: &mut TestBox, edge: &str, killed_in_between: bool) {
    let before = ages(one);
    one.json(&["rotate", edge, "--yes"]);
    if killed_in_between {
        one.kill_supervisor();
        one.start();
        one.until(20, "the supervisor", |b| b.cli(&["edges", "--json"]).status.success());
    }
    one.until(180, "the rotation", |b| {
        let edges = b.json(&["edges"]);
        let rows = edges.as_array().into_iter().flatten();
        let mut of_edge = rows.filter(|e| e["edge"] == edge);
        of_edge.any(|e| e["rotating"] == false && e["since"].as_i64() > Some(before[edge]))
    });
    one.wait_good(120);
    let after = ages(one);
    for (name, since) in &before {
        assert_eq!(name != edge, after[name] == *since, "only {edge} changed: {name}");
    }
    let audit = one.json(&["audit"]);
    let proven =
        audit.as_array().into_iter().flatten().any(|e| e["action"] == "edge.rotated" && e["subject"] == edge);
    assert!(proven, "the old credential was replayed and refused: {audit}");
}
