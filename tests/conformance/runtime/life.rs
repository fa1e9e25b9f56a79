//! Starting, adopting, ending.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use flashnode_core::{
    ports::runtime::{ImageRef, InstanceState, LogFrom},
    types::SpecHash,
};

use super::rig::{Kind, Rig, base, kill};

const SLEEP: &str = "echo ready; exec sleep 1000";

pub async fn it_says_what_it_is(rig: &Rig) {
    let said = rig.runtime.describe().await.expect("it can be used");
    let expected = if rig.kind == Kind::Process { "process (bubblewrap" } else { "API 1." };
    assert!(said.contains(expected), "{said}");
}

pub async fn an_image_that_cannot_be_had_is_explained(rig: &Rig) {
    let unbuilt = ImageRef::Built { name: "nothing".to_owned(), hash: "0".to_owned() };
    let error = rig.runtime.prepare(&unbuilt).await.expect_err("it was never built").to_string();
    assert!(error.contains("images/build.sh nothing"), "{error}");
    // An address of our own machine where nobody listens: no traffic leaves it.
    let digest = "0".repeat(64);
    let far = ImageRef::Pulled { reference: format!("127.0.0.1:9/nothing:1@sha256:{digest}") };
    let error = rig.runtime.prepare(&far).await.expect_err("it cannot be pulled").to_string();
    assert!(error.contains("127.0.0.1:9/nothing") && error.contains("nothing else is affected"), "{error}");
    let (_, hash, _) = base();
    rig.runtime.prepare(&ImageRef::Built { name: "base".to_owned(), hash }).await.expect("it is there");
}

pub async fn starting_twice_starts_once(rig: &Rig) {
    let spec = rig.start("one", SLEEP).await;
    rig.line(&spec, "ready").await;
    let pid = rig.pid(&spec).await;
    rig.runtime.start(&spec).await.expect("starting again is no error");
    assert_eq!(rig.pid(&spec).await, pid);
    let mut other = spec.clone();
    other.hash = SpecHash("f".repeat(64));
    let error = rig.runtime.start(&other).await.expect_err("another spec must not take its place");
    assert!(error.to_string().contains("must be stopped first"), "{error}");
    assert_eq!(rig.pid(&spec).await, pid);
}

pub async fn a_new_supervisor_adopts_what_runs(rig: &Rig) {
    let spec = rig.start("adopted", SLEEP).await;
    rig.line(&spec, "ready").await;
    let before = rig.runtime.observe().await.expect("observed");
    let next = rig.again();
    assert_eq!(next.observe().await.expect("observed"), before);
    assert_eq!(before[&spec.service].spec, spec.hash);
    next.start(&spec).await.expect("as wanted already");
    assert_eq!(next.observe().await.expect("observed"), before, "nothing was restarted");
    next.stop(&spec.service, Duration::from_secs(5)).await.expect("the new one can stop it");
    assert!(rig.exit(&spec).await.asked);
}

pub async fn a_killed_supervisor_takes_nothing_with_it(rig: &Rig) {
    let mut helper = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "runtime::life::helper_supervisor", "--ignored", "--nocapture"])
        .env("CONFORMANCE_BOX", &rig.box_dir)
        .env("CONFORMANCE_NAME", rig.box_name())
        .env("CONFORMANCE_DOCKER", if rig.kind == Kind::Docker { "1" } else { "" })
        .stdout(Stdio::piped())
        .spawn()
        .expect("a second process");
    let lines = BufReader::new(helper.stdout.take().expect("its output")).lines();
    let started = lines.map_while(Result::ok).any(|line| line.contains("STARTED"));
    assert!(started, "the second process starts the service");
    let spec = rig.spec("orphan", SLEEP);
    let pid = rig.pid(&spec).await;
    helper.kill().expect("kill -9");
    helper.wait().expect("it is gone");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(rig.pid(&spec).await, pid);
    kill("-0", pid);
    rig.runtime.stop(&spec.service, Duration::from_secs(5)).await.expect("adopted, and stopped");
}

/// Not a check: the process that plays the supervisor that gets killed.
#[tokio::test]
#[ignore = "started by a check"]
async fn helper_supervisor() {
    let folder = std::env::var("CONFORMANCE_BOX").expect("started by a check");
    let docker = std::env::var("CONFORMANCE_DOCKER").is_ok_and(|set| !set.is_empty());
    let kind = if docker { Kind::Docker } else { Kind::Process };
    let name = std::env::var("CONFORMANCE_NAME").expect("started by a check");
    let rig = Rig::at(kind, Path::new(&folder).to_owned(), name);
    let spec = rig.start("orphan", SLEEP).await;
    rig.line(&spec, "ready").await;
    println!("STARTED");
    tokio::time::sleep(Duration::from_secs(60)).await;
}

pub async fn the_exit_cause_and_the_last_lines_are_kept(rig: &Rig) {
    let spec = rig.start("brief", "echo first; echo last words >&2; printf 'no line end'; exit 7").await;
    let exit = rig.exit(&spec).await;
    assert_eq!((exit.code, exit.signal, exit.asked, exit.out_of_memory), (Some(7), None, false, false));
    assert!(exit.at.0 > 1_700_000_000_000, "{exit:?}");
    let log = rig.log(&spec).await;
    for line in ["first", "last words", "no line end"] {
        assert!(log.iter().any(|said| said == line), "{log:?}");
    }
    assert_eq!(rig.exit(&spec).await, exit, "the same end is told the same way");
    let again = rig.again().observe().await.expect("observed");
    assert_eq!(again[&spec.service].state, InstanceState::Exited { exit });
}

pub async fn an_ended_service_can_start_again(rig: &Rig) {
    let script = "if [ -e /data/once ]; then echo second; exec sleep 1000; fi; touch /data/once; exit 3";
    let spec = rig.start("again", script).await;
    assert_eq!(rig.exit(&spec).await.code, Some(3));
    rig.runtime.start(&spec).await.expect("it starts again");
    rig.line(&spec, "second").await;
    assert!(rig.pid(&spec).await > 0);
}

pub async fn a_service_that_listens_ends_within_its_grace(rig: &Rig) {
    let spec =
        rig.start("polite", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.1; done").await;
    rig.line(&spec, "ready").await;
    let began = Instant::now();
    rig.runtime.stop(&spec.service, Duration::from_secs(30)).await.expect("it stops");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let exit = rig.exit(&spec).await;
    assert_eq!((exit.code, exit.signal, exit.asked), (Some(0), None, true));
    rig.line(&spec, "bye").await;
    rig.runtime.stop(&spec.service, Duration::from_secs(30)).await.expect("stopping again is no error");
}

pub async fn a_service_that_ignores_term_is_killed_after_its_grace(rig: &Rig) {
    let spec = rig.start("deaf", "trap '' TERM; echo ready; while :; do sleep 0.1; done").await;
    rig.line(&spec, "ready").await;
    let began = Instant::now();
    rig.runtime.stop(&spec.service, Duration::from_secs(2)).await.expect("it is killed");
    let took = began.elapsed();
    assert!(took > Duration::from_millis(1900) && took < Duration::from_secs(15), "{took:?}");
    let exit = rig.exit(&spec).await;
    assert_eq!((exit.signal, exit.asked), (Some(9), true));
}

pub async fn a_kill_from_outside_is_told_as_signal_nine(rig: &Rig) {
    let spec = rig.start("victim", SLEEP).await;
    rig.line(&spec, "ready").await;
    kill("-9", rig.pid(&spec).await);
    let exit = rig.exit(&spec).await;
    assert_eq!((exit.code, exit.signal, exit.asked), (None, Some(9), false));
    assert_eq!(exit.cause(), "killed by signal 9");
}

pub async fn a_removed_service_is_forgotten(rig: &Rig) {
    let spec = rig.start("gone", SLEEP).await;
    rig.line(&spec, "ready").await;
    let error = rig.runtime.remove(&spec.service).await.expect_err("it still runs");
    assert!(error.to_string().contains("must be stopped"), "{error}");
    rig.runtime.stop(&spec.service, Duration::ZERO).await.expect("it stops");
    for _ in 0..2 {
        rig.runtime.remove(&spec.service).await.expect("removing twice is no error");
    }
    assert!(rig.state(&spec).await.is_none());
    assert!(rig.log(&spec).await.is_empty());
    let cursor = LogFrom::Cursor("whatever".to_owned());
    assert!(rig.runtime.log(&spec.service, cursor, 9).await.expect("an empty log").lines.is_empty());
    assert!(spec.mounts[0].host.exists(), "its data stays");
}

/// The shim is the process runtime's own, so this is no check for all.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_shim_ends_its_service_without_a_record() {
    let rig = Rig::process();
    let spec = rig.start("shimless", SLEEP).await;
    rig.line(&spec, "ready").await;
    let pid = rig.pid(&spec).await;
    let record = std::fs::read(rig.box_dir.join("services/shimless/run/record.json")).expect("a record");
    let record: serde_json::Value = serde_json::from_slice(&record).expect("JSON");
    kill("-9", u32::try_from(record["shim"]["pid"].as_u64().expect("a shim")).expect("a process id"));
    let exit = rig.exit(&spec).await;
    assert_eq!((exit.code, exit.signal, exit.asked), (None, None, false));
    assert_eq!(rig.exit(&spec).await, exit, "the same end, however often one looks");
    rig.runtime.start(&spec).await.expect("it starts again");
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "the old program died with its shim");
    assert_ne!(rig.pid(&spec).await, pid);
}
