//! Bad days: a wrong wallet password, a damaged index, a truncated state database, ten kills in a row.

use std::fs;

use flashnode_tests::{TestBox, kill_9, lives};

/// A small file system of its own, filled to the watermark: what fills it stops, and comes back when there is room.
#[test]
fn indexers_stop_before_the_disk_is_full_and_come_back() {
    let mut one = TestBox::on_small_disk("disk", "process", "playground = false", "700m");
    one.start();
    one.set_up(&[]);
    one.wait_good(300);
    let filler = one.dir.join("filler");
    let free = one.json(&["status"])["disk"]["free"].as_u64().expect("bytes");
    fs::write(&filler, vec![0; usize::try_from(free - (20 << 20)).expect("small")]).expect("fills it");
    one.until(30, "electrs and bitcoind stop", |b| b.pid("electrs").is_none() && b.pid("bitcoind").is_none());
    assert!(one.json(&["alerts"]).to_string().contains("disk_low"));
    assert!(one.cli(&["doctor"]).status.code() != Some(0), "doctor names it");
    fs::remove_file(&filler).expect("makes room");
    one.wait_good(120);
}

#[test]
fn bad_days_are_survived() {
    let mut one = TestBox::new("damage", "process", "playground = false");
    one.start();
    one.set_up(&[]);
    one.wait_good(300);
    a_wrong_wallet_password_is_told_and_no_storm(&one);
    ten_kills_in_a_row(&one);
    a_damaged_index_is_told_and_rebuilt(&one);
}

/// LND's password file is changed under it: it must be told, and not be started over and over.
fn a_wrong_wallet_password_is_told_and_no_storm(one: &TestBox) {
    let file = one.spec_file("lnd", "wallet.password");
    let right = fs::read(&file).expect("root reads it");
    fs::write(&file, "0".repeat(64)).expect("root writes it");
    one.json(&["restart", "lnd"]);
    one.until(60, "the wrong password is told", |b| {
        b.json(&["alerts"]).to_string().contains("wallet_password")
    });
    let crashes = |b: &TestBox| b.json(&["services", "lnd"])["crashes"].as_u64();
    let before = crashes(one);
    std::thread::sleep(std::time::Duration::from_secs(8));
    assert_eq!(crashes(one), before, "it is not tried again by itself");
    fs::write(&file, right).expect("root writes it");
    one.json(&["start", "lnd"]);
    one.wait_good(90);
}

fn ten_kills_in_a_row(one: &TestBox) {
    let mut killed = None;
    for _ in 0..10 {
        // A fresh process each time: the one before may still be in the last look.
        one.until(150, "bitcoind runs again", |b| {
            b.pid("bitcoind").is_some_and(|pid| Some(pid) != killed && lives(pid))
        });
        killed = one.pid("bitcoind");
        kill_9(killed.expect("runs"));
    }
    one.until(10, "the last kill is seen", |b| b.pid("bitcoind") != killed);
    one.wait_good(120);
    let alarms = one.json(&["alerts"]);
    assert!(alarms.to_string().contains("crash_loop"), "{alarms}");
}

fn a_damaged_index_is_told_and_rebuilt(one: &TestBox) {
    one.json(&["stop", "electrs"]);
    one.until(60, "electrs stops", |b| b.pid("electrs").is_none());
    let index = one.dir.join("services/electrs/data/regtest");
    let tables = fs::read_dir(&index).expect("an index").flatten().map(|e| e.path());
    let files: Vec<_> = tables
        .filter(|p| {
            p.file_name().is_some_and(|n| n == "CURRENT" || n.to_string_lossy().starts_with("MANIFEST"))
        })
        .collect();
    assert!(!files.is_empty(), "files to damage in {}", index.display());
    for file in files {
        fs::write(file, "not an index").expect("damages it");
    }
    one.json(&["start", "electrs"]);
    one.until(60, "the damage is told", |b| b.json(&["alerts"]).to_string().contains("data_damaged"));
    one.json(&["rebuild", "electrs", "--yes"]);
    one.wait_good(120);
}

#[test]
fn a_truncated_state_database_is_rescued() {
    let mut one = TestBox::new("rescue", "process", "playground = false");
    one.start();
    one.until(20, "a look and a snapshot", |b| {
        let snapshots = fs::read_dir(b.dir.join("supervisor/snapshots")).is_ok_and(|d| d.count() > 0);
        snapshots && b.cli(&["status", "--json"]).status.success()
    });
    one.end_supervisor();
    let db = one.dir.join("supervisor/box.db");
    let whole = fs::metadata(&db).expect("there").len();
    let file = fs::OpenOptions::new().write(true).open(&db).expect("opens");
    file.set_len(whole / 2).expect("truncates");
    drop(file);
    one.start();
    one.until(30, "rescue mode is told", |b| {
        b.cli(&["status", "--json"]).status.success() && !b.json(&["status"])["rescue"].is_null()
    });
    let alarms = one.json(&["alerts"]);
    assert!(alarms.to_string().contains("rescue"), "{alarms}");
}
