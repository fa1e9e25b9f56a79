//! Opens doors to the box's services with whatever credential a caller has.

use std::{path::Path, sync::Arc};

use flashnode_core::{
    node::catalog::context::{Doors, TorControl},
    ports::{
        bitcoin::Bitcoin, database::Database, electrum::Electrum, lightning::Lightning, web::WebService,
    },
    types::Secret,
};
use reqwest::Client;

use super::{
    bitcoind::Bitcoind, electrum::ElectrumServer, http, http::LocalWeb, lnd::Lnd, postgres::Postgres,
    tor::Tor,
};

/// Doors on this machine's loopback.
pub struct LocalDoors {
    plain: Client,
    services: Client,
    pages: Client,
}

impl LocalDoors {
    /// `services_ca` made the certificates of services, `pages_ca` that of our own pages; both PEM.
    pub fn new(services_ca: &str, pages_ca: &str) -> Self {
        Self {
            plain: http::client(None),
            services: http::client(Some(services_ca)),
            pages: http::client(Some(pages_ca)),
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

    fn database(&self, port: u16, password: &Secret<String>) -> Arc<dyn Database> {
        Arc::new(Postgres::new(port, password))
    }

    fn web(&self, port: u16, https: bool, basic: Option<(&str, &Secret<String>)>) -> Arc<dyn WebService> {
        let client = if https { &self.pages } else { &self.plain };
        Arc::new(LocalWeb::new(client.clone(), https, port, basic))
    }

    fn tor(&self, port: u16, cookie_file: &Path) -> Arc<dyn TorControl> {
        Arc::new(Tor::new(port, cookie_file.to_owned()))
    }
}
