//! The boot file `flashnode.toml`: where a box lives and listens. Read once; never written by a running role.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::types::Network;

/// Which runtime keeps the services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuntimeChoice {
    /// An engine that answers, else `process`.
    #[default]
    Auto,
    /// Docker or Podman.
    Docker,
    /// Bubblewrap over a root folder.
    Process,
}

/// The boot configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The box's name: part of container names, cgroups and the page title.
    #[serde(default = "default_name")]
    pub name: String,
    /// The network suggested by the wizard; generation 1 fixes it.
    #[serde(default = "default_network")]
    pub network: Network,
    /// The runtime.
    #[serde(default)]
    pub runtime: RuntimeChoice,
    /// Where the pages are served, TLS only.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// Where plain HTTP redirects and hands out the CA; none by default.
    #[serde(default)]
    pub listen_http: Option<SocketAddr>,
    /// A certificate of your own for a public name, PEM, with its chain; without one the box's own CA makes it.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// The key of that certificate, PEM.
    #[serde(default)]
    pub certificate_key: Option<PathBuf>,
    /// Names and addresses, beside `localhost`, the box's own and the listening address, by which browsers may call it.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The first of 100 loopback ports that belong to this box's services.
    #[serde(default = "default_port_base")]
    pub port_base: u16,
    /// The first of 100 user ids that belong to this box's services, when the supervisor is root.
    #[serde(default = "default_uid_base")]
    pub uid_base: u32,
    /// Where `images/build.sh` keeps its results: `NAME/HASH/{root,meta.json}`.
    #[serde(default = "default_images")]
    pub images: PathBuf,
    /// Where Prometheus may read `/metrics`; none by default.
    #[serde(default)]
    pub metrics: Option<SocketAddr>,
    /// Whether a regtest box starts with a miner, a faucet and a second LND.
    #[serde(default = "default_true")]
    pub playground: bool,
    /// The SNTP server that `doctor` and the clock check ask, `host:port`; none by default.
    #[serde(default)]
    pub sntp: Option<String>,
}

fn default_name() -> String {
    "flashnode".to_owned()
}
fn default_network() -> Network {
    Network::Mainnet
}
fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8443))
}
fn default_port_base() -> u16 {
    21_000
}
fn default_uid_base() -> u32 {
    64_200
}
fn default_images() -> PathBuf {
    PathBuf::from("/var/cache/flashnode/images")
}
fn default_true() -> bool {
    true
}

/// Why the boot file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadConfig {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not what we expect; the message of the parser has the line.
    #[error("{path} is not a valid boot file")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A value is out of its range.
    #[error("{path}: {reason}")]
    Value {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl Config {
    /// Reads `DIR/flashnode.toml`; an absent file means every default.
    pub fn read(dir: &Path) -> Result<Self, BadConfig> {
        let path = dir.join("flashnode.toml");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(BadConfig::Read { path, source }),
        };
        let config: Config = toml::from_str(&text)
            .map_err(|source| BadConfig::Parse { path: path.clone(), source: Box::new(source) })?;
        config.check().map_err(|reason| BadConfig::Value { path, reason })?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let fine = (1..=24).contains(&self.name.len())
            && self.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !fine {
            return Err(format!("name = \"{}\": 1 to 24 lower-case letters, digits and '-'", self.name));
        }
        if !(1024..=65_400).contains(&self.port_base) {
            return Err(format!("port_base = {}: between 1024 and 65400", self.port_base));
        }
        if (self.port_base..self.port_base + 100).contains(&self.listen.port()) {
            return Err(format!(
                "listen = \"{}\": its port lies in the 100 ports from port_base on",
                self.listen
            ));
        }
        if self.certificate.is_some() != self.certificate_key.is_some() {
            return Err("certificate and certificate_key go together: one of them is missing".to_owned());
        }
        if !(1000..u32::MAX - 1000).contains(&self.uid_base) {
            return Err(format!("uid_base = {}: from 1000 on, where nobody else's users are", self.uid_base));
        }
        if self.metrics.is_some_and(|at| !at.ip().is_loopback()) {
            return Err(
                "metrics: a loopback address only, because whoever can read it learns how the box is"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_file_means_the_defaults() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let config = Config::read(dir.path()).expect("defaults");
        assert_eq!(config.port_base, 21_000);
        assert!(config.listen.ip().is_loopback(), "a box must not listen beyond itself unless told to");
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(dir.path().join("flashnode.toml"), "name = \"a\"\nlissten = \"x\"\n").expect("write");
        let error = Config::read(dir.path()).expect_err("must refuse");
        let text = crate::error::chain(&error);
        assert!(text.contains("lissten") && text.contains("line 2"), "{text}");
    }
}
