//! The playground's second Lightning node: the outside world, on regtest only.

use std::time::Duration;

use async_trait::async_trait;

use super::{
    BITCOIND, Context, LND, Look, NotYet, OUTSIDE, PLAYGROUND, Port, Presence, Rendered, SUPERVISOR, Service,
    lnd,
};
use crate::{
    node::{
        edges::{Grant, Right},
        health::Health,
    },
    ports::runtime::Limits,
    types::{Network, ServiceName},
};

pub(super) struct Outside;

#[async_trait]
impl Service for Outside {
    fn name(&self) -> ServiceName {
        OUTSIDE
    }

    fn image(&self) -> ServiceName {
        LND
    }

    fn number(&self) -> u32 {
        5
    }

    fn presence(&self) -> Presence {
        Presence::Playground
    }

    fn needs(&self) -> &'static [ServiceName] {
        const NEEDS: &[ServiceName] = &[BITCOIND];
        NEEDS
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[Port::local("p2p", 60), Port::local("grpc", 61), Port::local("rest", 62)];
        PORTS
    }

    fn grants(&self) -> Vec<Grant> {
        let macaroon = |consumer, uris| Grant { consumer, right: Right::Macaroon(uris) };
        vec![macaroon(SUPERVISOR, lnd::FOR_SUPERVISOR), macaroon(PLAYGROUND, lnd::FOR_PLAYGROUND)]
    }

    fn limits(&self, _network: Network) -> Limits {
        Limits { memory_mib: 1024, pids: 512, files: 8192 }
    }

    fn answers_within(&self) -> Duration {
        Duration::from_secs(5 * 60)
    }

    fn render(&self, context: &Context) -> Result<Rendered, NotYet> {
        lnd::render(context, &OUTSIDE)
    }

    async fn probe(&self, look: &Look) -> Health {
        lnd::probe(look, &OUTSIDE).await
    }
}
