//! Both sides of the socket together, in a temporary folder.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use flashnode_core::{
    control::{Actor, Control, Reply, Request},
    error::{Error, Kind, Result},
};
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};
use tokio_util::sync::CancellationToken;

use super::{Allowed, ControlClient, Limits, bind, frame, message::Peer, serve};

/// Says who asked, fails, or takes its time.
struct Echo;

#[async_trait]
impl Control for Echo {
    async fn ask(&self, actor: &Actor, request: Request) -> Result<Reply> {
        match request {
            Request::Discard => Err(Error::conflict("Nothing is staged.")),
            Request::VerifyAudit => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                Ok(Reply::Done)
            }
            _ => Ok(Reply::Words(actor.who.clone().into())),
        }
    }
}

struct Rig {
    path: PathBuf,
    _dir: tempfile::TempDir,
    stop: CancellationToken,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn rig(allowed: Allowed, limits: Limits) -> Rig {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("supervisor.sock");
    let stop = CancellationToken::new();
    let listener = bind(&path, Allowed { app: allowed.supervisor, ..allowed }).expect("bound");
    tokio::spawn(serve(listener, Arc::new(Echo), allowed, limits, stop.clone()));
    Rig { path, _dir: dir, stop }
}

fn console() -> Allowed {
    Allowed { supervisor: me(), app: me() + 1 }
}

fn quick() -> Limits {
    Limits {
        connections: 2,
        console: 2,
        idle: Duration::from_millis(300),
        answer: Duration::from_millis(200),
    }
}

fn actor(who: &str) -> Actor {
    Actor { who: who.to_owned(), from: "test".to_owned() }
}

async fn raw(path: &PathBuf, bytes: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(path).await.expect("connected");
    stream.write_all(bytes).await.expect("sent");
    stream.shutdown().await.expect("half closed");
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply).await; // a reset is an end too
    reply
}

#[tokio::test]
async fn a_question_gets_its_answer_under_the_kernels_name() {
    let rig = rig(console(), Limits::default());
    let reply =
        ControlClient::new(&rig.path).ask(&actor("owner:mallory"), Request::Status).await.expect("answer");
    let Reply::Words(who) = reply else { panic!("{reply:?}") };
    assert_eq!(*who.expose(), format!("cli:{}", crate::users::name_of(me())));
}

#[tokio::test]
async fn a_refusal_comes_back_as_the_error_it_was() {
    let rig = rig(console(), Limits::default());
    let error = ControlClient::new(&rig.path).ask(&actor("x"), Request::Discard).await.expect_err("refused");
    assert_eq!((error.kind, error.sentence.as_str()), (Kind::Conflict, "Nothing is staged."));
}

#[tokio::test]
async fn the_app_may_not_make_claim_codes() {
    let rig = rig(Allowed { supervisor: me() + 1, app: me() }, Limits::default());
    let client = ControlClient::new(&rig.path);
    if me() == 0 {
        // Root connects as the app's user here: the app's rights count first.
        let error = client.ask(&actor("owner:ana"), Request::NewClaimCode).await.expect_err("refused");
        assert_eq!(error.kind, Kind::Forbidden);
    }
    let error = client.ask(&actor("cli:root"), Request::Status).await.expect_err("refused");
    assert_eq!(error.kind, Kind::Forbidden);
}

#[tokio::test]
async fn a_stranger_is_told_so() {
    if me() == 0 {
        return stranger_of_another_user().await;
    }
    let rig = rig(Allowed { supervisor: me() + 1, app: me() + 2 }, Limits::default());
    let error = ControlClient::new(&rig.path).ask(&actor("x"), Request::Status).await.expect_err("refused");
    assert_eq!(error.kind, Kind::Forbidden);
}

/// Root is always let in, so the stranger has to be another user: a child process that dropped to `nobody`.
async fn stranger_of_another_user() {
    use std::os::unix::{fs::PermissionsExt, process::CommandExt};
    let rig = rig(console(), Limits::default());
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("rights");
    };
    open(rig.path.parent().expect("a folder"), 0o755);
    open(&rig.path, 0o666);
    let script = "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n\
                  sys.stdout.buffer.write(s.makefile('rb').read())";
    let mut command = std::process::Command::new("python3");
    command.arg("-c").arg(script).arg(&rig.path).uid(65_534).gid(65_534);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined");
    let said = String::from_utf8_lossy(&output.expect("python3 runs").stdout).into_owned();
    assert!(said.contains("forbidden"), "{said}");
}

#[tokio::test]
async fn garbage_and_oversize_get_a_typed_error_and_the_door() {
    let rig = rig(console(), Limits::default());
    let mut long = vec![0x7f, 0xff, 0xff, 0xff];
    long.extend_from_slice(b"xxxx");
    for bytes in [&b"\0\0\0\x07garbage"[..], &b"\0\0\0\x02{}"[..], &long] {
        let reply = raw(&rig.path, bytes).await;
        let said = String::from_utf8_lossy(reply.get(4..).unwrap_or_default()).into_owned();
        assert!(said.contains("\"kind\":\"invalid\""), "{bytes:?}: {said}");
    }
}

#[tokio::test]
async fn a_slow_order_does_not_hold_the_asker() {
    let rig = rig(console(), quick());
    let error = ControlClient::new(&rig.path).ask(&actor("x"), Request::VerifyAudit).await.expect_err("slow");
    assert_eq!(error.kind, Kind::Unavailable);
    assert!(error.sentence.contains("goes on by itself"), "{}", error.sentence);
}

#[tokio::test]
async fn one_too_many_is_told_and_silence_frees_the_places() {
    let rig = rig(console(), quick());
    let _silent = [UnixStream::connect(&rig.path).await, UnixStream::connect(&rig.path).await];
    tokio::time::sleep(Duration::from_millis(50)).await;
    let client = ControlClient::new(&rig.path);
    let error = client.ask(&actor("x"), Request::Status).await.expect_err("no place");
    assert_eq!(error.kind, Kind::Unavailable);
    assert!(error.sentence.contains("too many others"), "{}", error.sentence);
    tokio::time::sleep(Duration::from_millis(500)).await;
    client.ask(&actor("x"), Request::Status).await.expect("the silent ones were closed");
}

#[tokio::test]
async fn a_busy_reply_arrives_though_the_request_could_not_be_written() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("supervisor.sock");
    let listener = tokio::net::UnixListener::bind(&path).expect("bound");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("accepted");
        let busy = Reply::Failed { kind: Kind::Unavailable, sentence: "Busy.".to_owned(), key: None };
        let body = serde_json::to_vec(&busy).expect("json");
        frame::write(&mut stream, &body, frame::REPLY_MAX).await.expect("sent");
        drop(stream); // nothing was read
    });
    // More than the socket's buffer holds: writing it fails.
    let search = Some("x".repeat(1 << 19));
    let request = Request::Log {
        name: flashnode_core::types::ServiceName::new("lnd"),
        from: flashnode_core::ports::runtime::LogFrom::Tail,
        limit: 1,
        search,
    };
    let error = ControlClient::new(&path).ask(&actor("x"), request).await.expect_err("busy");
    assert_eq!(error.sentence, "Busy.");
}

#[test]
fn the_app_cannot_take_the_consoles_places() {
    let places = super::server::Places::new(quick());
    let _held = [Peer::App, Peer::Either].map(|peer| places.take(peer).expect("free"));
    assert!(places.take(Peer::App).is_none());
    assert!(places.take(Peer::Console).is_some(), "root is let in");
}

#[tokio::test]
async fn an_absent_supervisor_is_a_sentence() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let client = ControlClient::new(dir.path().join("none.sock"));
    let error = client.ask(&actor("x"), Request::Status).await.expect_err("away");
    assert_eq!(error.key, Some(super::client::AWAY));
    assert!(error.sentence.contains("not answering"), "{}", error.sentence);
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced_and_a_living_one_is_not() {
    let rig = rig(console(), Limits::default());
    let error = bind(&rig.path, console()).expect_err("it lives");
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    rig.stop.cancel();
    let gone = async {
        while UnixStream::connect(&rig.path).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.expect("the first one ends");
    bind(&rig.path, Allowed { supervisor: me(), app: me() }).expect("replaced");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever arrives, the server goes on answering.
    #[test]
    fn random_bytes_do_not_hurt_the_server(frames in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..200), 1..4
    )) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let rig = rig(console(), Limits::default());
            for bytes in frames {
                raw(&rig.path, &bytes).await; // as it is
                let mut framed = Vec::new();
                frame::write(&mut framed, &bytes, 1024).await.expect("framed");
                raw(&rig.path, &framed).await; // and as the body of a frame
            }
            ControlClient::new(&rig.path).ask(&actor("x"), Request::Status).await.expect("still there");
        });
    }
}
