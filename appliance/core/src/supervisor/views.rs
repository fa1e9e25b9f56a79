//! What is, for pages and the command line: read from the last pass's snapshot.

use super::Supervisor;
use crate::{
    control::{EdgeView, Finding, ServiceLine, ServiceView, StatusView, UpdateView},
    error::Result,
    node::{
        alerts::store as alarms,
        catalog::{self, APP, BITCOIND, Presence, Service},
        edges::{Right, Stage},
        health::Health,
        reconcile::{desired::image_word, task::Snapshot, turn::active_edges},
        wanted::flavour_word,
    },
    ports::runtime::InstanceState,
    types::{EdgeName, Network, ServiceName},
};

impl Supervisor {
    pub(super) async fn status(&self) -> Result<StatusView> {
        let snapshot = self.snapshot();
        let node = &self.node;
        let alarms = alarms::all(&node.store).await?.into_iter().filter(|a| a.needs_attention()).collect();
        Ok(StatusView {
            name: node.config.name.clone(),
            network: snapshot.world.wanted.as_ref().map(|w| w.network),
            generation: snapshot.world.generation,
            locked: node.vault().is_none(),
            rescue: node.rescue.clone(),
            runtime: snapshot.runtime.clone(),
            block_height: snapshot.tip,
            services: self.lines(&snapshot),
            alarms,
            disk: snapshot.disk,
            at: snapshot.at,
        })
    }

    fn lines(&self, snapshot: &Snapshot) -> Vec<ServiceLine> {
        let part = |s: &&&dyn Service| s.name() != APP && snapshot.desired.of(&s.name()).is_some();
        catalog::ALL.iter().filter(part).map(|s| self.line(*s, snapshot)).collect()
    }

    fn line(&self, service: &dyn Service, snapshot: &Snapshot) -> ServiceLine {
        let name = service.name();
        let wanted = snapshot.desired.of(&name);
        let seen = snapshot.observed.of(&name);
        let pinned = self.node.pinned(&name, &snapshot.world);
        let choice = snapshot.world.wanted.as_ref().map(|w| &w.choice);
        let history = snapshot.histories.get(&name);
        let troubled = history.is_some_and(|h| h.held.is_some() || h.crashes > 1);
        let health = match seen {
            Some(seen) if seen.running().is_some() => seen.health.clone(),
            _ if troubled && wanted.is_some_and(|w| w.run) => {
                Health::Bad { sentence: snapshot.plan.notes.get(&name).cloned().unwrap_or_default() }
            }
            _ => Health::Waiting,
        };
        ServiceLine {
            flavour: choice.filter(|_| name == BITCOIND).map(|c| flavour_word(c.bitcoind_flavour).to_owned()),
            version: pinned.as_ref().map(|p| p.version.clone()).unwrap_or_default(),
            wanted: wanted.is_some_and(|w| w.run),
            optional: service.presence() == Presence::Optional,
            health,
            unavailable: wanted.and_then(|w| w.unavailable.clone()),
            seconds_left: snapshot.seconds_left.get(&name).copied(),
            note: snapshot.plan.notes.get(&name).cloned(),
            name,
        }
    }

    pub(super) async fn service(&self, name: &ServiceName) -> Result<ServiceView> {
        self.known(name)?;
        let service = catalog::get(name)?;
        let snapshot = self.snapshot();
        let state = snapshot.observed.of(name).and_then(|s| s.instance.as_ref()).map(|i| i.state.clone());
        let (since, pid) = match state {
            Some(InstanceState::Running { since, pid }) => (Some(since), pid),
            _ => (None, None),
        };
        let usage = match since {
            Some(_) => self.node.runtimes.of_service(name).usage(name).await.ok(),
            None => None,
        };
        let history = snapshot.histories.get(name).cloned().unwrap_or_default();
        let edges = self.edges();
        let network = snapshot.world.wanted.as_ref().map_or(Network::Regtest, |w| w.network);
        let base = self.node.config.port_base;
        Ok(ServiceView {
            line: self.line(service, &snapshot),
            since,
            pid,
            usage,
            memory_limit_mib: service.limits(network).memory_mib,
            needs: service.needs().to_vec(),
            needed_by: catalog::needed_by(name)
                .into_iter()
                .filter(|n| snapshot.desired.of(n).is_some())
                .collect(),
            stop_grace_s: service.stop_grace().as_secs(),
            ports: service
                .ports()
                .iter()
                .map(|p| (p.purpose.to_owned(), base + p.offset, p.world && network != Network::Regtest))
                .collect(),
            crashes: history.crashes,
            last_exit: history.last_crash,
            plan: snapshot.plan.notes.get(name).cloned().unwrap_or_default(),
            gives: edges.iter().filter(|e| e.edge.provider == *name).cloned().collect(),
            takes: edges.iter().filter(|e| e.edge.consumer == *name).cloned().collect(),
            reverted: history.refused.map(|(_, reason)| reason),
            rebuildable: service.is_rebuildable(),
        })
    }

    /// Every edge of this box, in the order of its providers.
    pub(super) fn edges(&self) -> Vec<EdgeView> {
        let snapshot = self.snapshot();
        let Some(context) = &snapshot.world.context else { return Vec::new() };
        let part = |name: &ServiceName| snapshot.desired.of(name).is_some();
        active_edges(&snapshot.desired, context.network)
            .into_iter()
            .map(|(edge, grant)| {
                let of_edge = context.credentials.of(&edge);
                EdgeView {
                    credential: grant.right.word().to_owned(),
                    allows: grant.right.allows(),
                    since: context.credentials.in_use(&edge.consumer, &edge.provider).map(|c| c.since),
                    rotating: of_edge.len() > 1 || of_edge.iter().any(|c| c.stage != Stage::Current),
                    restarts: restarts(&edge, grant.right, part),
                    edge,
                }
            })
            .collect()
    }

    pub(super) fn updates(&self) -> Vec<UpdateView> {
        let snapshot = self.snapshot();
        let world = &snapshot.world;
        let revoked = self.node.revoked(world);
        let services =
            catalog::ALL.iter().filter(|s| ![Presence::Always, Presence::Playground].contains(&s.presence()));
        services
            .map(|service| {
                let name = service.name();
                let committed = world.wanted.as_ref().and_then(|w| w.images.get(&name));
                let offered = world.offers.get(&name).and_then(|offer| offer.as_ref().ok());
                let either = committed.or(offered);
                UpdateView {
                    pinned: committed.map(|p| p.version.clone()).unwrap_or_default(),
                    offered: offered.map(|p| p.version.clone()).unwrap_or_default(),
                    source: either.map(|p| image_word(&p.image).to_owned()).unwrap_or_default(),
                    update: matches!((committed, offered), (Some(a), Some(b)) if a != b),
                    revoked: revoked.iter().find(|(of, _)| *of == name).and_then(|(_, why)| why.clone()),
                    unavailable: world.offers.get(&name).and_then(|offer| offer.as_ref().err().cloned()),
                    name,
                }
            })
            .collect()
    }

    pub(super) async fn doctor(&self) -> Vec<Finding> {
        let snapshot = self.snapshot();
        let base = self.node.config.port_base;
        let running =
            |s: &&&dyn Service| snapshot.observed.of(&s.name()).is_some_and(|seen| seen.running().is_some());
        let mut ours: Vec<u16> =
            catalog::ALL.iter().filter(running).flat_map(|s| s.ports()).map(|p| base + p.offset).collect();
        ours.push(self.node.config.listen.port());
        let revoked: Vec<String> =
            self.node.revoked(&snapshot.world).into_iter().filter_map(|(_, why)| why).collect();
        self.node.machine.examine(&ours, &revoked).await
    }
}

/// Services that a rotation restarts, in order. bitcoind reads its users only when it starts: once to learn the new
/// one, once to forget the old one.
pub(super) fn restarts(
    edge: &EdgeName,
    right: Right,
    part: impl Fn(&ServiceName) -> bool,
) -> Vec<ServiceName> {
    let consumer = part(&edge.consumer).then(|| edge.consumer.clone());
    match right {
        Right::Rpc(_) => [Some(edge.provider.clone()), consumer, Some(edge.provider.clone())]
            .into_iter()
            .flatten()
            .collect(),
        Right::Macaroon(_) | Right::Role(_) => consumer.into_iter().collect(),
    }
}
