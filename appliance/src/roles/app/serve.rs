//! The accept loops: TLS for browsers, a UNIX socket for the console. Caps and timeouts against slow and greedy
//! clients stand here; what is served is the router's business.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::ConnectInfo};
use flashnode_web::Console;
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

/// How much of the server one client, and all together, may take.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address.
    pub per_address: usize,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long a request's head may take, and how long a connection may rest between two.
    pub head: Duration,
    /// How long open requests may go on after `shutdown`.
    pub drain: Duration,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            connections: 1024,
            per_address: 256,
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
        let Some(place) = places.take(peer.ip().to_canonical(), caps) else { continue };
        let _ = stream.set_nodelay(true); // a slower page at worst
        let (tls, router, watcher) = (tls.clone(), router.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _place = place;
            let origin = Origin { peer, console: false };
            match tls {
                None => talk(stream, router, origin, caps, watcher).await,
                Some(tls) => match timeout(caps.handshake, tls.accept(stream)).await {
                    Ok(Ok(stream)) => talk(stream, router, origin, caps, watcher).await,
                    Ok(Err(error)) => debug!(%peer, %error, "no TLS with {peer}: {error}"),
                    Err(_) => debug!(%peer, "{peer} did not finish its handshake"),
                },
            }
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
            let _place = place;
            talk(stream, router, Origin { peer, console: true }, caps, watcher).await;
        });
    }
    drain(graceful, caps).await;
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
        inner.call(request)
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
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        debug!(peer = %origin.peer, %error, "a connection broke off: {error}");
    }
}

/// Who holds how many connections.
#[derive(Clone, Debug, Default)]
struct Places(Arc<Mutex<HashMap<IpAddr, usize>>>);

struct Place {
    places: Places,
    address: IpAddr,
}

impl Places {
    fn take(&self, address: IpAddr, caps: Caps) -> Option<Place> {
        let mut held = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if held.values().sum::<usize>() >= caps.connections {
            return None;
        }
        let own = held.entry(address).or_default();
        if *own >= caps.per_address {
            return None;
        }
        *own += 1;
        Some(Place { places: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(own) = held.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                held.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_for_each_address_and_given_back() {
        let places = Places::default();
        let caps = Caps { connections: 3, per_address: 2, ..Caps::default() };
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let first = places.take(one, caps).expect("free");
        let _second = places.take(one, caps).expect("free");
        assert!(places.take(one, caps).is_none(), "one address takes no more than its share");
        let _third = places.take(other, caps).expect("free");
        assert!(places.take(other, caps).is_none(), "all together no more than there are");
        drop(first);
        assert!(places.take(one, caps).is_some());
    }
}
