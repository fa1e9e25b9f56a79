//! bitcoind's `rpcauth` and `rpcwhitelist` lines.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{Credential, Right};

/// `rpcauth=USER:SALT$HMAC`, HMAC-SHA256 keyed by the salt's text over the password (bitcoind's share/rpcauth).
pub fn line(credential: &Credential, right: Right) -> String {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(credential.salt.as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    mac.update(credential.secret.expose().as_bytes());
    let digest = hex::encode(mac.finalize().into_bytes());
    format!("rpcauth={}:{}${digest}", credential.user(right), credential.salt)
}

/// `rpcwhitelist=USER:method,method`.
pub fn whitelist(credential: &Credential, right: Right) -> String {
    format!("rpcwhitelist={}:{}", credential.user(right), right.allows().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        node::edges::Stage,
        types::{EdgeName, Secret, ServiceName, Timestamp},
    };

    #[test]
    fn the_line_is_what_bitcoinds_own_script_makes() {
        let credential = Credential {
            edge: EdgeName::new(ServiceName::new("electrs"), ServiceName::new("bitcoind")),
            serial: 1,
            stage: Stage::Current,
            secret: Secret::new("secret".to_owned()),
            salt: "f7efda5c189b999524f151318c0c86".to_owned(),
            since: Timestamp(0),
        };
        let mut mac =
            <Hmac<Sha256> as Mac>::new_from_slice(b"f7efda5c189b999524f151318c0c86").expect("any key");
        mac.update(b"secret");
        let digest = hex::encode(mac.finalize().into_bytes());
        let right = Right::Rpc(&["uptime"]);
        assert_eq!(
            line(&credential, right),
            format!("rpcauth=electrs-1:f7efda5c189b999524f151318c0c86${digest}")
        );
        assert_eq!(whitelist(&credential, right), "rpcwhitelist=electrs-1:uptime");
    }
}
