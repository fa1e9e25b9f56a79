//! The same under a container engine: up, healed, adopted.

use flashnode_tests::{TestBox, kill_9};

#[test]
fn a_box_runs_under_docker() {
    let engine =
        std::process::Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]).output();
    if !engine.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no container engine answers on this machine");
        return;
    }
    let mut one = TestBox::new("engine", "docker", "playground = false");
    one.start();
    one.set_up(&[]);
    one.wait_good(300);
    let before = one.pid("bitcoind").expect("runs");
    kill_9(before);
    one.until(15, "the kill is seen", |b| b.pid("bitcoind") != Some(before));
    one.wait_good(90);
    let pid = one.pid("lnd");
    one.kill_supervisor();
    one.start();
    one.wait_good(60);
    assert_eq!(pid, one.pid("lnd"), "nothing was restarted");
}
