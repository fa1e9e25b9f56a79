//! The box's two authorities behind core's port: one for pages, one for services among themselves.

use std::path::Path;

use flashnode_core::{
    config::Config,
    error::{Error, Result},
    node::catalog,
    ports::authority::{Authority, Leaf, Realm},
};

use sha2::{Digest as _, Sha256};

use super::{Ca, Constraints, Name, TlsError, ca::der_of};

/// Both authorities, their keys with the supervisor.
pub struct Authorities {
    pages: Ca,
    services: Ca,
}

impl Authorities {
    /// Loads them from `dir`, or makes them at the first start.
    pub fn load_or_create(dir: &Path, config: &Config) -> std::result::Result<Self, TlsError> {
        let names: Vec<String> = catalog::ALL.iter().map(|service| service.name().to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(Self {
            pages: Ca::load_or_create(&dir.join("pages"), &config.name, &Constraints::page(config))?,
            services: Ca::load_or_create(&dir.join("services"), "services", &Constraints::inner(&names))?,
        })
    }

    const fn of(&self, realm: Realm) -> &Ca {
        match realm {
            Realm::Pages => &self.pages,
            Realm::Services => &self.services,
        }
    }
}

impl Authority for Authorities {
    fn leaf(&self, realm: Realm, names: &[String], valid_days: u32) -> Result<Leaf> {
        let ca = self.of(realm);
        let (permitted, outside) = ca.split(names.iter().map(|name| Name::new(name)).collect());
        for name in outside {
            tracing::warn!(%name, "the box's own authority may not vouch for this name: browsers will warn there");
        }
        let making = |error: TlsError| Error::internal("making a certificate", error);
        let leaf = ca.leaf(&permitted, i64::from(valid_days)).map_err(making)?;
        let fingerprint = hex::encode(Sha256::digest(der_of(&leaf.cert_pem).map_err(making)?));
        Ok(Leaf { certificate: leaf.cert_pem, key: leaf.key_pem, fingerprint })
    }

    fn certificate(&self, realm: Realm) -> String {
        self.of(realm).pem().to_owned()
    }

    fn fingerprint(&self, realm: Realm) -> String {
        self.of(realm).fingerprint()
    }
}
