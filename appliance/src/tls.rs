//! The box's certificates: its own name-constrained authorities, the leaves they give, and rustls settings.
//!
//! It must not know who serves what. Public certificates (ACME) are not made here yet.
//!
//! | row | owns |
//! | --- | --- |
//! | [`names`] | names and addresses on certificates, and which ones an authority may vouch for |
//! | [`ca`] | the authority: made once, kept with the supervisor |
//! | [`leaf`] | certificates for servers, and when to renew them |
//! | [`server`] | rustls settings of our own TLS port |
//! | [`authority`] | both authorities behind core's port |

pub mod names;

pub mod ca;

pub mod leaf;

pub mod server;

pub mod authority;

#[cfg(test)]
mod tests;

pub use self::{
    authority::Authorities,
    ca::Ca,
    leaf::Leaf,
    names::{Constraints, Name},
    server::server_config,
};

/// Why a certificate could not be made or used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file of the authority cannot be read or written.
    #[error("cannot use {path}")]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The name lies outside what this authority may vouch for; browsers would refuse the certificate.
    #[error(
        "this box's own authority may not vouch for {0}: add it to `hosts` before the box is first started, or use a certificate of your own"
    )]
    NotPermitted(Name),
    /// A certificate or key cannot be made or read.
    #[error("cannot {what}")]
    Crypto {
        /// What was tried.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl TlsError {
    pub(crate) fn crypto(
        what: &'static str,
    ) -> impl FnOnce(Box<dyn std::error::Error + Send + Sync>) -> TlsError {
        move |source| TlsError::Crypto { what, source }
    }
}
