//! Bad days: a wrong wallet password, a damaged index, a truncated state database, ten kills in a row.

use std::fs;

use flashnode_tests::{TestBox, kill_9};

#[test]
fn bad_days_are_survived() {
    let mut one = TestBox::new("damage", "process", "playground = false");
    one.start();
    one.set_up(&[]);
    one.wait_good(300);
    ten_kills_in_a_row(&one);
    a_damaged_index_is_told_and_rebuilt(&one);
    a_truncated_state_database_is_rescued(&mut one);
}

fn ten_kills_in_a_row(one: &TestBox) {
    for _ in 0..10 {
        one.until(120, "bitcoind runs", |b| b.pid("bitcoind").is_some());
        if let Some(pid) = one.pid("bitcoind") {
            kill_9(pid);
        }
        one.until(10, "the kill is seen", |b| {
            b.pid("bitcoind").is_none() || b.line("bitcoind")["health"] != "good"
        });
    }
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

fn a_truncated_state_database_is_rescued(one: &mut TestBox) {
    one.kill_supervisor();
    // A snapshot taken now would be the box as it is; the one from its start must do.
    let db = one.dir.join("supervisor/box.db");
    for ending in ["-wal", "-shm"] {
        let _ = fs::remove_file(one.dir.join(format!("supervisor/box.db{ending}")));
    }
    let file = fs::OpenOptions::new().write(true).open(&db).expect("opens");
    file.set_len(4096 * 2).expect("truncates");
    drop(file);
    one.start();
    one.until(30, "rescue mode is told", |b| {
        b.cli(&["status", "--json"]).status.success() && !b.json(&["status"])["rescue"].is_null()
    });
    let alarms = one.json(&["alerts"]);
    assert!(alarms.to_string().contains("rescue"), "{alarms}");
}
