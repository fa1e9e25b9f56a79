//! Tor: a way out for bitcoind and LND, and an onion address for the box's pages.

use std::fmt::Write as _;

use async_trait::async_trait;

use super::{Backup, Context, Look, NotYet, Port, Presence, Rendered, Service, TOR};
use crate::{
    node::health::Health,
    ports::runtime::Limits,
    types::{Network, ServiceName},
};

pub(super) struct Tor;

#[async_trait]
impl Service for Tor {
    fn name(&self) -> ServiceName {
        TOR
    }

    fn number(&self) -> u32 {
        2
    }

    fn presence(&self) -> Presence {
        Presence::Optional
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[Port::local("socks", 40), Port::local("control", 41)];
        PORTS
    }

    fn limits(&self, _network: Network) -> Limits {
        Limits { memory_mib: 512, pids: 64, files: 8192 }
    }

    fn backup(&self) -> Backup {
        Backup::OnChange("onion/hs_ed25519_secret_key")
    }

    fn render(&self, context: &Context) -> Result<Rendered, NotYet> {
        let bind = context.bind();
        let mut torrc =
            String::from("DataDirectory /data\nClientOnly 1\nLog notice stdout\nCookieAuthentication 1\n");
        let _ = writeln!(torrc, "SocksPort {bind}:{}", context.ports.of(&TOR, "socks"));
        let _ = writeln!(torrc, "ControlPort {bind}:{}", context.ports.of(&TOR, "control"));
        // Under an engine the pages, which listen on the host's loopback, cannot be reached from Tor's network.
        if let (false, Some(listen)) = (context.engine, context.app_listen) {
            let _ = writeln!(torrc, "HiddenServiceDir /data/onion\nHiddenServicePort 443 {listen}");
        }
        Ok(Rendered {
            command: ["tor", "-f", "/config/torrc"].map(String::from).to_vec(),
            files: vec![("torrc".to_owned(), torrc)],
            ..Rendered::default()
        })
    }

    async fn probe(&self, look: &Look) -> Health {
        let cookie = look.doors.small_file(&look.data.join("control_auth_cookie"), look.user);
        let Some(cookie) = cookie.and_then(|bytes| bytes.try_into().ok()) else { return Health::Starting };
        let control = look.doors.tor(look.context.ports.of(&TOR, "control"), cookie);
        match control.bootstrap_percent().await {
            Ok(100) => Health::Good,
            Ok(percent) => Health::loading(u64::from(percent), 100),
            Err(_) => Health::Starting,
        }
    }
}
