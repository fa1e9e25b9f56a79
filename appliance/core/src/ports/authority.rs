//! The box's certificate authorities: one that browsers may trust, one for services among themselves.

use crate::{error::Result, types::Secret};

/// Which authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Realm {
    /// For browsers: name-constrained, handed out for download.
    Pages,
    /// For services among themselves.
    Services,
}

/// A certificate with its key.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// PEM.
    pub certificate: String,
    /// PEM.
    pub key: Secret<String>,
    /// SHA-256 over the certificate's DER, hex.
    pub fingerprint: String,
}

/// Issues certificates; its keys never leave it.
pub trait Authority: Send + Sync {
    /// A server certificate for these DNS names and IP addresses.
    fn leaf(&self, realm: Realm, names: &[String], valid_days: u32) -> Result<Leaf>;

    /// The authority's own certificate, PEM.
    fn certificate(&self, realm: Realm) -> String;

    /// SHA-256 over that certificate's DER, hex.
    fn fingerprint(&self, realm: Realm) -> String;
}
