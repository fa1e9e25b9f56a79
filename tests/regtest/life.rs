//! A box's life under the process runtime: first boot, a crash, a killed supervisor, rotation, a broken version.

use flashnode_tests::{TestBox, kill_9, lives};
use serde_json::Value;

const DAEMONS: [&str; 3] = ["bitcoind", "electrs", "lnd"];

#[test]
fn a_box_comes_up_heals_and_is_adopted() {
    let mut one = TestBox::new("life", "process", "");
    one.start();
    one.set_up(&[]);
    let status = one.wait_good(300);
    assert_eq!(status["network"], "regtest");
    assert!(status["url"].as_str().is_some_and(|url| url.starts_with("https://")), "{status}");
    for name in DAEMONS {
        let line = one.line(name);
        assert_eq!(line["health"], "good", "{line}");
        assert!(!line["version"].as_str().unwrap_or_default().is_empty(), "{line}");
    }
    a_killed_daemon_is_healed_and_told(&one);
    a_killed_supervisor_adopts(&mut one);
    every_edge_is_listed(&one);
    the_playground_has_a_channel(&one);
    the_log_can_be_read_and_searched(&one);
    refusals_are_told_apart(&one);
    no_secret_is_visible(&one);
    let verified = one.json(&["audit", "verify"]);
    assert!(verified["broken_at"].is_null(), "{verified}");
}

fn a_killed_daemon_is_healed_and_told(one: &TestBox) {
    let before = one.pid("bitcoind").expect("bitcoind runs");
    kill_9(before);
    one.until(10, "bitcoind is seen as not good", |b| {
        b.line("bitcoind")["health"] != "good" || b.pid("bitcoind") != Some(before)
    });
    one.wait_good(60);
    let view = one.json(&["services", "bitcoind"]);
    assert_eq!(view["last_exit"][0]["signal"], 9, "the page tells why: {view}");
    let audit = one.json(&["audit"]);
    let told = audit
        .as_array()
        .into_iter()
        .flatten()
        .any(|e| e["action"] == "service.crashed" && e["subject"] == "bitcoind");
    assert!(told, "{audit}");
}

fn a_killed_supervisor_adopts(one: &mut TestBox) {
    let before: Vec<Option<u32>> = DAEMONS.iter().map(|name| one.pid(name)).collect();
    one.kill_supervisor();
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert!(before.iter().flatten().all(|pid| lives(*pid)), "daemons outlive their supervisor");
    one.start();
    one.wait_good(30);
    let after: Vec<Option<u32>> = DAEMONS.iter().map(|name| one.pid(name)).collect();
    assert_eq!(before, after, "nothing was restarted");
}

fn every_edge_is_listed(one: &TestBox) {
    let edges = one.json(&["edges"]);
    let names: Vec<&str> =
        edges.as_array().into_iter().flatten().filter_map(|e| e["edge"].as_str()).collect();
    for edge in ["electrs:bitcoind", "lnd:bitcoind", "supervisor:bitcoind", "supervisor:lnd"] {
        assert!(names.contains(&edge), "{edge} in {names:?}");
    }
}

fn the_playground_has_a_channel(one: &TestBox) {
    one.until(180, "the channel to the outside", |b| {
        b.json(&["playground", "info"])["channel"][1] == 5_000_000
    });
    let height = one.json(&["playground", "info"])["height"].as_u64().expect("height");
    let mined = one.json(&["playground", "mine", "3"]);
    assert!(mined["height"].as_u64().expect("height") >= height + 3, "{mined}");
}

fn the_log_can_be_read_and_searched(one: &TestBox) {
    let all = one.json(&["logs", "bitcoind"]);
    assert!(lines(&all) > 3, "{all}");
    let none = one.json(&["logs", "bitcoind", "--search", "no line has these words"]);
    assert_eq!(lines(&none), 0);
}

fn lines(page: &Value) -> usize {
    page["lines"].as_array().map_or(0, Vec::len)
}

fn refusals_are_told_apart(one: &TestBox) {
    let unknown = one.cli(&["restart", "doom"]);
    assert!(!unknown.status.success());
    let sentence = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(sentence.contains("no service 'doom'") && sentence.contains("bitcoind"), "{sentence}");
    let again = one.cli(&["claim-code"]);
    assert_eq!(again.status.code(), Some(5), "a box that is set up has no claim code");
}

/// Every secret of the run is looked for in what others on the machine can see.
fn no_secret_is_visible(one: &TestBox) {
    let mut secrets = Vec::new();
    for (service, file) in [("electrs", "electrs.toml"), ("lnd", "lnd.conf"), ("lnd", "wallet.password")] {
        let text = std::fs::read_to_string(one.spec_file(service, file)).expect("root reads it");
        let long = text.split(|c: char| !c.is_ascii_hexdigit()).filter(|word| word.len() == 64);
        secrets.extend(long.map(str::to_owned));
    }
    assert!(secrets.len() >= 3, "the passwords were found");
    for name in DAEMONS {
        let pid = one.pid(name).expect("runs");
        for what in ["cmdline", "environ"] {
            let seen = std::fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
            let seen = String::from_utf8_lossy(&seen).into_owned();
            assert!(secrets.iter().all(|secret| !seen.contains(secret)), "{name} shows a secret in {what}");
        }
        let log = one.json(&["logs", name, "-n", "5000"]).to_string();
        assert!(secrets.iter().all(|secret| !log.contains(secret)), "{name} logs a secret");
    }
    assert!(
        secrets.iter().all(|secret| !one.supervisor_log().contains(secret)),
        "the supervisor logs a secret"
    );
}

#[test]
fn two_boxes_run_side_by_side_and_a_locked_one_opens_with_its_passphrase() {
    let (mut one, mut two) = (
        TestBox::new("left", "process", "playground = false"),
        TestBox::new("right", "process", "playground = false"),
    );
    one.start();
    two.start();
    let done = one.set_up(&[]);
    two.set_up(&[]);
    one.wait_good(300);
    two.wait_good(300);
    let recovery = done["recovery"].as_str().expect("a recovery code").to_owned();
    one.kill_supervisor();
    std::fs::remove_file(one.dir.join("supervisor/keys/auto-unlock.key")).expect("the auto-unlock file");
    one.start();
    one.until(20, "a locked box", |b| {
        b.cli(&["status", "--json"]).status.success() && b.json(&["status"])["locked"] == true
    });
    let file = one.dir.join("recovery.txt");
    std::fs::write(&file, recovery).expect("a file");
    one.json(&["unlock", "--passphrase-file", file.to_str().expect("UTF-8")]);
    one.wait_good(60);
}
