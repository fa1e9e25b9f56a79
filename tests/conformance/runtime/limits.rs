//! What a service may use, and may do.

use super::rig::{Rig, USER, is_root};

pub async fn memory_is_limited_and_the_end_is_explained(rig: &Rig) {
    if !is_root() {
        println!("left out: memory limits need root");
        return;
    }
    let mut spec = rig.spec("hungry", "echo ready; exec perl -e '$x = \"a\" x (300*1024*1024); sleep 100'");
    spec.limits.memory_mib = 48;
    rig.runtime.start(&spec).await.expect("it starts");
    let exit = rig.exit(&spec).await;
    assert!(exit.out_of_memory && !exit.asked, "{exit:?}");
    assert!(exit.cause().contains("memory"), "{}", exit.cause());
    rig.line(&spec, "ready").await;
}

pub async fn processes_are_limited(rig: &Rig) {
    let mut spec =
        rig.spec("crowd", "i=0; while [ $i -lt 60 ]; do sleep 100 & i=$((i+1)); done; echo too many");
    spec.limits.pids = 20;
    rig.runtime.start(&spec).await.expect("it starts");
    rig.exit(&spec).await;
    let log = rig.log(&spec).await;
    assert!(log.iter().any(|line| line.contains("fork")), "{log:?}");
    assert!(!log.iter().any(|line| line == "too many"), "{log:?}");
}

pub async fn it_runs_as_its_own_user_with_no_rights_left(rig: &Rig) {
    let script = "echo uid=$(id -u) gid=$(id -g) groups=$(id -G); echo files=$(ulimit -n) core=$(ulimit -c); \
                  sed -n 's/:\\t/=/p' /proc/self/status; echo env=$GREETING; exec sleep 1000";
    let spec = rig.start("humble", script).await;
    rig.line(&spec, "env=hello").await;
    let log = rig.log(&spec).await;
    let nothing = "0".repeat(16);
    let mut wanted = vec!["files=512 core=0".to_owned(), "NoNewPrivs=1".to_owned()];
    wanted.extend(["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map(|set| format!("{set}={nothing}")));
    if is_root() {
        wanted.push(format!("uid={USER} gid={USER} groups={USER}"));
        let owner = std::fs::metadata(format!("/proc/{}", rig.pid(&spec).await)).expect("it runs");
        assert_eq!(std::os::unix::fs::MetadataExt::uid(&owner), USER, "on the host as well");
    }
    for line in wanted {
        assert!(log.contains(&line), "{line} is not in {log:?}");
    }
}

pub async fn usage_is_measured(rig: &Rig) {
    let script = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo ready; \
                  exec perl -e '$x = \"a\" x (40*1024*1024); print STDERR \"full\\n\"; sleep 1000'";
    let spec = rig.start("busy", script).await;
    rig.line(&spec, "full").await;
    let usage = rig.runtime.usage(&spec.service).await.expect("it runs");
    assert!(usage.memory > 30 << 20 && usage.memory < 200 << 20, "{usage:?}");
    assert!(usage.cpu_ms >= 20, "{usage:?}");
}
