//! The accept loops: TLS for browsers, a UNIX socket for the console. Caps and timeouts against slow and greedy
//! clients stand here; what is served is the router's business.

mod places;

mod prompt;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use axum::{Router, extract::ConnectInfo};
use flashnode_web::Console;
use http_body_util::BodyExt;
use hyper::{Request, body::Incoming, service::Service};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use places::{Bell, Place, Places};
use prompt::Prompt;

/// How much of the server one client, and all together, may take.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address, which is far less: nobody takes all of them alone.
    pub per_address: usize,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long the first bytes may take, and a request's head, and how long a connection may rest between two.
    pub head: Duration,
    /// How long open requests may go on after `shutdown`.
    pub drain: Duration,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            connections: 1024,
            per_address: 32,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(20),
            drain: Duration::from_secs(5),
        }
    }
}

/// Serves the router over TLS (or plain, without an acceptor) until `shutdown`, then drains.
pub async fn tcp(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    caps: Caps,
    shutdown: CancellationToken,
) {
    let (places, graceful) = (Places::default(), GracefulShutdown::new());
    loop {
        let (stream, peer) = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => { rest(&error).await; continue }
            },
        };
        let Some(place) = places.take(peer.ip(), caps) else { continue };
        let _ = stream.set_nodelay(true); // a slower page at worst
        let (tls, router, watcher) = (tls.clone(), router.clone(), graceful.watcher());
        tokio::spawn(async move {
            let origin = Origin { peer, console: false };
            let bell = place.bell();
            held(place, async {
                match tls {
                    None => talk(stream, router, origin, bell, caps, watcher).await,
                    Some(tls) => match timeout(caps.handshake, tls.accept(stream)).await {
                        Ok(Ok(stream)) => talk(stream, router, origin, bell, caps, watcher).await,
                        Ok(Err(error)) => debug!(%peer, %error, "no TLS with {peer}: {error}"),
                        Err(_) => debug!(%peer, "{peer} did not finish its handshake"),
                    },
                }
            })
            .await;
        });
    }
    drop(listener);
    drain(graceful, caps).await;
}

/// Serves the router to the console: peers with one of these user ids, without sign-in. Others are cut off.
pub async fn console(
    listener: UnixListener,
    router: Router,
    users: Vec<u32>,
    caps: Caps,
    shutdown: CancellationToken,
) {
    let (places, graceful) = (Places::default(), GracefulShutdown::new());
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    loop {
        let stream = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => { rest(&error).await; continue }
            },
        };
        match stream.peer_cred() {
            Ok(credentials) if users.contains(&credentials.uid()) => {}
            other => {
                let uid = other.map(|c| c.uid()).ok();
                warn!(?uid, "a user who is not the box's console was refused");
                continue;
            }
        }
        let Some(place) = places.take(peer.ip(), caps) else { continue };
        let (router, watcher) = (router.clone(), graceful.watcher());
        tokio::spawn(async move {
            let (origin, bell) = (Origin { peer, console: true }, place.bell());
            held(place, talk(stream, router, origin, bell, caps, watcher)).await;
        });
    }
    drain(graceful, caps).await;
}

/// Serves a connection until it ends, or until its place is needed by somebody else.
async fn held(place: Place, connection: impl Future<Output = ()>) {
    tokio::select! {
        () = place.cut().cancelled_owned() => debug!("a connection gave its place to another"),
        () = connection => {}
    }
}

/// Out of files, most likely: some have to close first.
async fn rest(error: &io::Error) {
    warn!(%error, "a connection could not be taken: {error}");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

async fn drain(graceful: GracefulShutdown, caps: Caps) {
    if timeout(caps.drain, graceful.shutdown()).await.is_err() {
        debug!("some requests were still open and were cut off");
    }
}

#[derive(Clone, Copy)]
struct Origin {
    peer: SocketAddr,
    console: bool,
}

async fn talk<S>(
    stream: S,
    router: Router,
    origin: Origin,
    bell: Bell,
    caps: Caps,
    watcher: hyper_util::server::graceful::Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let inner = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(origin.peer));
        if origin.console {
            request.extensions_mut().insert(Console);
        }
        let (answer, busy) = (inner.call(request), bell.begin());
        async move {
            let answer = answer.await?;
            // A stream goes on after its head: the connection is at work until the last piece of the body.
            Ok::<_, std::convert::Infallible>(answer.map(|body| {
                body.map_frame(move |frame| {
                    let _ = &busy;
                    frame
                })
            }))
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(caps.head).max_buf_size(32 * 1024);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(caps.head)
        .keep_alive_timeout(caps.head)
        .max_header_list_size(32 * 1024)
        .max_concurrent_streams(64);
    let connection = builder
        .serve_connection_with_upgrades(TokioIo::new(Prompt::new(stream, caps.head)), service)
        .into_owned();
    if let Err(error) = watcher.watch(connection).await {
        debug!(peer = %origin.peer, %error, "a connection broke off: {error}");
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        time::Instant,
    };

    use super::*;

    async fn server(caps: Caps) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().route("/", axum::routing::get(|| async { "here" }));
        tokio::spawn(tcp(listener, None, router, caps, CancellationToken::new()));
        address
    }

    fn quick() -> Caps {
        Caps { head: Duration::from_millis(200), ..Caps::default() }
    }

    async fn ends(stream: &mut TcpStream) {
        let mut rest = Vec::new();
        let read = timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
        let _ = read.expect("it is cut in time"); // a reset is an end too
    }

    #[tokio::test]
    async fn who_says_nothing_is_cut() {
        let mut stream = TcpStream::connect(server(quick()).await).await.expect("connected");
        ends(&mut stream).await;
    }

    #[tokio::test]
    async fn who_trickles_the_first_bytes_is_cut() {
        let mut stream = TcpStream::connect(server(quick()).await).await.expect("connected");
        let begun = Instant::now();
        for byte in *b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" {
            assert!(begun.elapsed() < Duration::from_secs(5), "never cut");
            tokio::time::sleep(Duration::from_millis(300)).await;
            if stream.write_all(&[byte]).await.is_err() {
                break;
            }
        }
    }

    #[tokio::test]
    async fn silent_connections_do_not_shut_the_pages_for_another() {
        let caps = Caps { connections: 4, per_address: 4, ..Caps::default() };
        let address = server(caps).await;
        let mut silent = Vec::new();
        for _ in 0..4 {
            silent.push(TcpStream::connect(address).await.expect("connected"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        assert!(answer.ends_with("here"), "{answer}");
        ends(&mut silent[0]).await;
    }
}
