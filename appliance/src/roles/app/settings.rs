//! What the supervisor gives the app to start with: `app.json` and two PEM files in one read-only folder.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context;
use flashnode_core::types::Secret;
use serde::{Deserialize, Serialize};

/// `app.json`. The supervisor writes it; nobody else does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppSettings {
    /// The box's name.
    pub name: String,
    /// Where the app may write: `app.db`, `console.sock`.
    pub data: PathBuf,
    /// The supervisor's socket.
    pub control_socket: PathBuf,
    /// Where pages are served, TLS only.
    pub listen: SocketAddr,
    /// Where plain HTTP redirects and hands out the CA.
    pub listen_http: Option<SocketAddr>,
    /// Names and addresses by which browsers may call it.
    pub hosts: Vec<String>,
    /// Key of `app.db`, 32 bytes in hex; none while the box is locked.
    pub db_key: Option<Secret<String>>,
    /// Whether the box is locked.
    pub locked: bool,
}

/// The folder's contents.
#[derive(Debug)]
pub struct AppFiles {
    /// `app.json`.
    pub settings: AppSettings,
    /// `tls.crt`.
    pub certificate: String,
    /// `tls.key`.
    pub key: Secret<String>,
}

impl AppFiles {
    /// Reads the folder.
    pub fn read(dir: &Path) -> anyhow::Result<Self> {
        let read = |name: &str| {
            let path = dir.join(name);
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let settings =
            serde_json::from_str(&read("app.json")?).context("app.json is not what this program expects")?;
        Ok(Self { settings, certificate: read("tls.crt")?, key: Secret::new(read("tls.key")?) })
    }
}

impl AppSettings {
    /// The key of `app.db`; `None` while the box is locked.
    pub fn key(&self) -> anyhow::Result<Option<Secret<[u8; 32]>>> {
        let Some(text) = self.db_key.as_ref().filter(|_| !self.locked) else { return Ok(None) };
        let mut key = [0; 32];
        // The cause would quote the key's digits: it is left out.
        hex::decode_to_slice(text.expose(), &mut key)
            .map_err(|_| anyhow::anyhow!("the database key in app.json is not 32 bytes in hex"))?;
        Ok(Some(Secret::new(key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(db_key: Option<&str>, locked: bool) -> AppSettings {
        let text = serde_json::json!({
            "name": "bar", "data": "/d", "control_socket": "/s", "listen": "127.0.0.1:8443",
            "listen_http": null, "hosts": ["bar.local"], "db_key": db_key, "locked": locked,
        });
        serde_json::from_value(text).expect("valid")
    }

    #[test]
    fn a_locked_box_has_no_key_whatever_the_file_says() {
        let hex = "ab".repeat(32);
        assert_eq!(*settings(Some(&hex), false).key().expect("fine").expect("a key").expose(), [0xab; 32]);
        assert!(settings(Some(&hex), true).key().expect("fine").is_none());
        assert!(settings(None, true).key().expect("fine").is_none());
    }

    #[test]
    fn a_bad_key_is_refused_without_being_quoted() {
        let error = settings(Some("zzsecretzz"), false).key().expect_err("refused");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}
