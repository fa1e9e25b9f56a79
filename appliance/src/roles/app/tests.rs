//! The role as it runs: its own files, TLS with a certificate of the box's authority, both sockets, the end.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use flashnode_core::{
    control::{Actor, CaView, Control, Reply, Request},
    error::{Error, Result},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{CannotListen, listen, run};
use crate::{
    control::{Allowed, Limits, bind, serve},
    tls::{Ca, Constraints, Name},
};

/// A supervisor that knows its CA.
struct OnlyCa(String);

#[async_trait]
impl Control for OnlyCa {
    async fn ask(&self, _actor: &Actor, request: Request) -> Result<Reply> {
        match request {
            Request::Ca => Ok(Reply::Ca(CaView { pem: self.0.clone(), fingerprint: "ab".repeat(32) })),
            _ => Err(Error::unavailable("the supervisor")),
        }
    }
}

struct Rig {
    dir: tempfile::TempDir,
    pages: SocketAddr,
    plain: SocketAddr,
    ca: String,
    stop: CancellationToken,
    role: JoinHandle<anyhow::Result<()>>,
}

/// Two ports that were free a moment ago.
async fn free() -> SocketAddr {
    let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
    listener.local_addr().expect("an address")
}

fn config(dir: &Path, pages: SocketAddr, plain: SocketAddr, key: Option<&str>) -> (PathBuf, String) {
    let config = dir.join("config");
    fs::create_dir_all(&config).expect("made");
    fs::create_dir_all(dir.join("data")).expect("made");
    let ca = Ca::load_or_create(&dir.join("ca"), "pages", &Constraints::inner(&[])).expect("an authority");
    let leaf = ca.leaf(&[Name::new("localhost"), Name::new("127.0.0.1")], 90).expect("a leaf");
    let settings = serde_json::json!({
        "name": "bar", "data": dir.join("data"), "control_socket": dir.join("supervisor.sock"),
        "listen": pages, "listen_http": plain, "hosts": ["localhost", "127.0.0.1"],
        "db_key": key, "locked": key.is_none(),
    });
    fs::write(config.join("app.json"), settings.to_string()).expect("written");
    fs::write(config.join("tls.crt"), leaf.cert_pem).expect("written");
    fs::write(config.join("tls.key"), leaf.key_pem.expose()).expect("written");
    (config, ca.pem().to_owned())
}

async fn rig(key: Option<&str>) -> Rig {
    let _ = rustls::crypto::ring::default_provider().install_default(); // for the client; the first test wins
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (pages, plain, stop) = (free().await, free().await, CancellationToken::new());
    let (config, ca) = config(dir.path(), pages, plain, key);
    let me = rustix::process::geteuid().as_raw();
    let allowed = Allowed { supervisor: me, app: me };
    let listener = bind(&dir.path().join("supervisor.sock"), allowed).expect("bound");
    tokio::spawn(serve(listener, Arc::new(OnlyCa(ca.clone())), allowed, Limits::default(), stop.clone()));
    let ending = stop.clone();
    let role = tokio::spawn(async move { run(&config, ending).await });
    let rig = Rig { dir, pages, plain, ca, stop, role };
    let up = async {
        while tokio::net::TcpStream::connect(rig.pages).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), up).await.expect("the role comes up");
    rig
}

impl Rig {
    fn client(&self) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.ca.as_bytes()).expect("a root");
        reqwest::Client::builder()
            .tls_certs_only([root])
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client")
    }

    async fn console(&self, request: &str) -> String {
        let path = self.dir.path().join("data/console.sock");
        let mut stream = tokio::net::UnixStream::connect(path).await.expect("connected");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await.expect("answered");
        String::from_utf8_lossy(&reply).into_owned()
    }

    async fn end(self) {
        self.stop.cancel();
        let ended = timeout(Duration::from_secs(10), self.role).await.expect("ten seconds at most");
        ended.expect("no panic").expect("a clean end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_box_answers_over_its_own_tls_and_ends_in_time() {
    let rig = rig(None).await;
    let url = format!("https://localhost:{}/api/v1/health", rig.pages.port());
    let answer = rig.client().get(&url).send().await.expect("answered");
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    let health: serde_json::Value = answer.json().await.expect("JSON");
    assert_eq!(health["locked"], true);
    // An open connection that says nothing must not hold the end back.
    let _silent = tokio::net::TcpStream::connect(rig.pages).await.expect("connected");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_redirects_and_hands_out_the_ca_and_nothing_else() {
    let rig = rig(None).await;
    let (client, plain) = (rig.client(), rig.plain.port());
    let get = |path: &str| client.get(format!("http://localhost:{plain}{path}")).send();
    let moved = get("/claim?x=1").await.expect("answered");
    assert_eq!(moved.status(), 308);
    assert_eq!(moved.headers()["location"], format!("https://localhost:{}/claim?x=1", rig.pages.port()));
    assert_eq!(get("/ca.crt").await.expect("answered").text().await.expect("text"), rig.ca);
    let health = get("/api/v1/health").await.expect("answered");
    assert_eq!(health.status(), 308, "the API is for TLS only");
    let strange = client.get(format!("http://127.0.0.1:{plain}/")).header("host", "evil.example");
    assert_eq!(strange.send().await.expect("answered").status(), 421);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_is_known_by_its_socket_and_the_network_is_not_the_console() {
    let key = "5a".repeat(32);
    let rig = rig(Some(&key)).await;
    let body = r#"{"name":"nobody","password":"correct horse battery"}"#;
    let request = format!(
        "POST /api/v1/reset-password HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let said = rig.console(&request).await;
    // It got past the guard: there is nobody of that name.
    assert!(said.contains("404") && said.contains("not_found"), "{said}");
    let url = format!("https://localhost:{}/api/v1/reset-password", rig.pages.port());
    let client = rig.client();
    let refused = client.post(url).header("content-type", "application/json").body(body).send().await;
    assert_eq!(refused.expect("answered").status(), 403);
    assert!(rig.dir.path().join("data/app.db").exists());
    rig.end().await;
}

#[tokio::test]
async fn a_taken_port_is_a_sentence() {
    let taken = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
    let address = taken.local_addr().expect("an address");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (config, _) = config(dir.path(), address, free().await, None);
    let error = run(&config, CancellationToken::new()).await.expect_err("taken");
    let CannotListen { sentence, .. } = error.downcast_ref().expect("of its kind");
    assert!(sentence.contains("already listens") && sentence.contains(&address.to_string()), "{sentence}");
}
