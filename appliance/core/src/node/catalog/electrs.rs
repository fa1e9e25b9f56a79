//! The Electrum server.

use std::time::Duration;

use async_trait::async_trait;

use super::{BITCOIND, Context, Diagnosis, ELECTRS, Look, NotYet, Port, Presence, Rendered, Service};
use crate::{
    control::ServiceChoice,
    node::{edges::Right, health::Health},
    ports::{electrum::IndexState, runtime::Limits},
    types::{Network, ServiceName},
};

pub(super) struct Electrs;

#[async_trait]
impl Service for Electrs {
    fn name(&self) -> ServiceName {
        ELECTRS
    }

    fn number(&self) -> u32 {
        3
    }

    fn presence(&self) -> Presence {
        Presence::Standard
    }

    fn needs(&self) -> &'static [ServiceName] {
        const NEEDS: &[ServiceName] = &[BITCOIND];
        NEEDS
    }

    fn excluded_by(&self, choice: &ServiceChoice) -> Option<&'static str> {
        choice
            .prune_mib
            .map(|_| "The Electrum server needs every block: it cannot run while Bitcoin's node keeps only the newest ones.")
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[Port::local("electrum", 10), Port::local("metrics", 11)];
        PORTS
    }

    fn limits(&self, network: Network) -> Limits {
        Limits { memory_mib: if network == Network::Regtest { 1024 } else { 4096 }, pids: 256, files: 16_384 }
    }

    fn answers_within(&self) -> Duration {
        Duration::from_secs(5 * 60)
    }

    fn is_indexer(&self) -> bool {
        true
    }

    fn is_rebuildable(&self) -> bool {
        true
    }

    fn render(&self, context: &Context) -> Result<Rendered, NotYet> {
        let credential = context.credential(&ELECTRS, &BITCOIND)?;
        let network = match context.network {
            Network::Mainnet => "bitcoin",
            other => other.as_str(),
        };
        // electrs takes its password from this file alone, never from a flag or the environment.
        let toml = format!(
            "network = \"{network}\"\ndb_dir = \"/data\"\nauth = \"{}:{}\"\ndaemon_rpc_addr = \"{}\"\ndaemon_p2p_addr = \"{}\"\n\
             electrum_rpc_addr = \"{bind}:{}\"\nmonitoring_addr = \"{bind}:{}\"\nlog_filters = \"INFO\"\nwait_duration_secs = {}\n",
            credential.user(Right::Rpc(&[])),
            credential.secret.expose(),
            context.address(&BITCOIND, "rpc"),
            context.address(&BITCOIND, "internal-p2p"),
            context.ports.of(&ELECTRS, "electrum"),
            context.ports.of(&ELECTRS, "metrics"),
            if context.network == Network::Regtest { 1 } else { 10 },
            bind = context.bind(),
        );
        Ok(Rendered {
            command: ["electrs", "--skip-default-conf-files", "--conf", "/config/electrs.toml"]
                .map(String::from)
                .to_vec(),
            files: vec![("electrs.toml".to_owned(), toml)],
            ..Rendered::default()
        })
    }

    async fn probe(&self, look: &Look) -> Health {
        let ports = look.context.ports;
        let server = look.doors.electrum(ports.of(&ELECTRS, "electrum"), ports.of(&ELECTRS, "metrics"));
        match (server.index_state().await, look.tip) {
            (Ok(IndexState::Serving { height }), Some(tip)) if height + 2 < tip => {
                Health::loading(height, tip)
            }
            (Ok(IndexState::Serving { .. }), _) => Health::Good,
            (Ok(IndexState::Indexing { height }), Some(tip)) if tip > 0 => {
                Health::loading(height.min(tip - 1), tip)
            }
            (Ok(IndexState::Indexing { .. }) | Err(_), _) => Health::Starting,
        }
    }

    fn diagnose(&self, last_lines: &[String]) -> Option<Diagnosis> {
        let damaged = [
            "Corruption:",
            "corrupted",
            "failed to open DB",
            "IO error: No such file or directory: While open",
        ];
        last_lines
            .iter()
            .any(|line| damaged.iter().any(|mark| line.contains(mark)))
            .then_some(Diagnosis::DataDamaged)
    }
}
