//! The role `app`: the pages over TLS, the same router for the console, and nothing that could hurt a daemon.
//!
//! | row | owns |
//! | --- | --- |
//! | [`settings`] | what the supervisor gives it to start with |
//! | [`serve`] | accept loops, caps, timeouts |
//! | [`plain`] | plain HTTP: redirect, and the CA |

pub mod settings;

pub mod serve;

pub mod plain;

#[cfg(test)]
mod tests;

use std::{
    io,
    net::SocketAddr,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    sync::Arc,
};

use anyhow::Context;
use flashnode_core::{
    app::App,
    keys::seal::SealKey,
    ports::clock::SystemClock,
    store::{Schema, Store},
};
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::info;

use self::{
    serve::Caps,
    settings::{AppFiles, AppSettings},
};
use crate::{control::ControlClient, sd_notify, tls};

/// An address that cannot be listened on, in a sentence. The command line has an exit code for it.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct CannotListen {
    sentence: String,
    #[source]
    source: io::Error,
}

/// Serves until `shutdown`; then at most ten seconds more.
pub async fn run(config_dir: &Path, shutdown: CancellationToken) -> anyhow::Result<()> {
    let AppFiles { settings, certificate, key } = AppFiles::read(config_dir)?;
    // Ports first: a taken one must not cost a look into the database.
    let pages = listen(settings.listen).await?;
    let plain = match settings.listen_http {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let console = console_socket(&settings.data.join("console.sock"))?;
    let acceptor = TlsAcceptor::from(tls::server_config(&certificate, key.expose())?);
    let app = Arc::new(open(&settings).await?);
    let router = flashnode_web::router(app.clone(), options());
    info!(listen = %settings.listen, locked = settings.locked, "serving pages at {}", settings.listen);
    sd_notify::ready();
    let caps = Caps::default();
    let users = console_users(&settings.control_socket);
    let plain = async {
        if let Some(listener) = plain {
            let router = plain::router(router.clone(), &settings.hosts, settings.listen.port());
            serve::tcp(listener, None, router, caps, shutdown.clone()).await;
        }
    };
    tokio::join!(
        serve::tcp(pages, Some(acceptor), router.clone(), caps, shutdown.clone()),
        serve::console(console, router.clone(), users, caps, shutdown.clone()),
        plain,
    );
    sd_notify::stopping();
    app.close().await;
    info!("the pages are closed");
    Ok(())
}

fn options() -> flashnode_web::Options {
    flashnode_web::Options { gallery: cfg!(debug_assertions), insecure_preview: false }
}

async fn open(settings: &AppSettings) -> anyhow::Result<App> {
    let control = Arc::new(ControlClient::new(&settings.control_socket));
    let clock = Arc::new(SystemClock);
    let Some(key) = settings.key()? else {
        return Ok(App::new_locked(&settings.name, settings.hosts.clone(), control, clock));
    };
    let store = Store::open_sqlite(&settings.data.join("app.db"), &key).await?;
    store.migrate(Schema::App, Some(&settings.data.join("snapshots"))).await?;
    Ok(App::open(&settings.name, settings.hosts.clone(), control, clock, store, SealKey::new(&key)))
}

/// Listens, or says in a sentence why it cannot.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, CannotListen> {
    TcpListener::bind(address).await.map_err(|source| {
        let sentence = match source.kind() {
            io::ErrorKind::AddrInUse => format!(
                "Another program already listens on {address}. Stop it, or choose another address by `listen` in \
                 flashnode.toml."
            ),
            io::ErrorKind::PermissionDenied => format!(
                "Ports below 1024 are kept from ordinary users, so {address} cannot be used. Choose a port from 1024 \
                 on, or set net.ipv4.ip_unprivileged_port_start to {}.",
                address.port()
            ),
            io::ErrorKind::AddrNotAvailable => format!(
                "This machine does not have the address {}. Correct `listen` in flashnode.toml.",
                address.ip()
            ),
            _ => format!("{address} cannot be listened on."),
        };
        CannotListen { sentence, source }
    })
}

/// The console's socket. The app's folder is its own user's, so whatever was left there is ours to replace.
fn console_socket(path: &Path) -> anyhow::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot replace {}", path.display()));
        }
        _ => {}
    }
    let listener =
        UnixListener::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Who counts as the console: root, and whoever owns the folder of the supervisor's socket, which is its user.
fn console_users(control_socket: &Path) -> Vec<u32> {
    let supervisor = control_socket.parent().and_then(|dir| std::fs::metadata(dir).ok()).map(|dir| dir.uid());
    std::iter::once(0).chain(supervisor).collect()
}
