//! Opens doors to the box's services with whatever credential a caller has.

use std::{io::Read as _, net::SocketAddr, os::unix::fs::MetadataExt as _, path::Path, sync::Arc};

use flashnode_core::{
    node::catalog::context::{Doors, TorControl},
    ports::{
        bitcoin::Bitcoin,
        database::Database,
        electrum::Electrum,
        lightning::{Lightning, WalletMaker},
        web::WebService,
    },
    types::Secret,
};
use reqwest::Client;
use rustix::fs::{Mode, OFlags, open};

use super::{
    bitcoind::Bitcoind, electrum::ElectrumServer, http, http::LocalWeb, lnd::Lnd, postgres::Postgres,
    tor::Tor, unlocker::Unlocker,
};

/// Doors on this machine's loopback.
pub struct LocalDoors {
    plain: Client,
    services: Client,
    pages: Client,
    services_ca: String,
}

impl LocalDoors {
    /// `services_ca` made the certificates of services, `pages_ca` that of our own pages unless the owner brought one;
    /// both PEM.
    pub fn new(services_ca: &str, pages_ca: Option<&str>) -> Self {
        Self {
            plain: http::client(None),
            services: http::client(Some(services_ca)),
            pages: pages_ca.map_or_else(http::careless_client, |ca| http::client(Some(ca))),
            services_ca: services_ca.to_owned(),
        }
    }
}

impl Doors for LocalDoors {
    fn bitcoin(&self, port: u16, user: &str, password: &Secret<String>) -> Arc<dyn Bitcoin> {
        Arc::new(Bitcoind::new(self.plain.clone(), port, user, password))
    }

    fn electrum(&self, port: u16, metrics: u16) -> Arc<dyn Electrum> {
        Arc::new(ElectrumServer::new(self.plain.clone(), port, metrics))
    }

    fn lightning(&self, port: u16, macaroon: Option<&Secret<String>>) -> Arc<dyn Lightning> {
        Arc::new(Lnd::new(self.services.clone(), port, macaroon))
    }

    fn wallet_maker(&self, socket: &Path) -> Arc<dyn WalletMaker> {
        Arc::new(Unlocker::new(&self.services_ca, socket))
    }

    fn small_file(&self, path: &Path, user: u32) -> Option<Vec<u8>> {
        small_file(path, user)
    }

    fn database(&self, port: u16, password: &Secret<String>) -> Arc<dyn Database> {
        Arc::new(Postgres::new(port, password))
    }

    fn web(
        &self,
        at: SocketAddr,
        https: bool,
        basic: Option<(&str, &Secret<String>)>,
    ) -> Arc<dyn WebService> {
        let client = if https { &self.pages } else { &self.plain };
        Arc::new(LocalWeb::new(client.clone(), https, at, basic))
    }

    fn tor(&self, port: u16, cookie: [u8; 32]) -> Arc<dyn TorControl> {
        Arc::new(Tor::new(port, cookie))
    }
}

/// The longest file that is read from a service's folder, in bytes.
const SMALL: usize = 4096;

/// The folder belongs to a service that may have been taken over: a link could point at our own keys, a pipe could
/// hold us up, a device could fill our memory.
fn small_file(path: &Path, user: u32) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = std::fs::File::from(open(path, flags, Mode::empty()).ok()?);
    let found = file.metadata().ok()?;
    if !found.is_file() || found.uid() != user {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(SMALL as u64 + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() <= SMALL).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_small_plain_file_of_that_user_is_read() {
        let dir = tempfile::tempdir().expect("a folder");
        let user = rustix::process::geteuid().as_raw();
        let plain = dir.path().join("cookie");
        std::fs::write(&plain, [7; 32]).expect("writes");
        assert_eq!(small_file(&plain, user), Some(vec![7; 32]));
        assert_eq!(small_file(&plain, user + 1), None, "somebody else's");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&plain, &link).expect("links");
        assert_eq!(small_file(&link, user), None, "a link");
        assert_eq!(small_file(Path::new("/dev/zero"), user), None, "a device");
        std::fs::write(&plain, vec![0; SMALL + 1]).expect("writes");
        assert_eq!(small_file(&plain, user), None, "too long");
    }
}
