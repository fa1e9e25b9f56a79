//! Observes: what runs, how it answers, and how much room is left. Reads only.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::task::JoinSet;

use super::{
    desired::Desired,
    observed::{Observed, Seen},
    task::Node,
    world::World,
};
use crate::{
    node::{
        catalog::{self, BITCOIND, Context, Look, SUPERVISOR},
        edges::Right,
        health::Health,
    },
    ports::runtime::{InstanceState, LogFrom},
    types::{ServiceName, Timestamp},
};

/// How long a service may take to say how it is; a pass takes no longer, so that a death is seen soon.
const PROBE: Duration = Duration::from_millis(1_500);
/// So many silences in a row are a busy service; one more is one that does not answer.
const SILENCES: u8 = 3;
/// Lines kept of a service that has ended.
const LAST_LINES: usize = 30;
/// Below this much free space indexers stop; they come back at one and a half times of it.
const WATERMARK: u64 = 5 << 30;

impl Node {
    pub(super) async fn look(&self, world: &World, desired: &Desired) -> (Observed, Option<u64>) {
        let now = self.clock.now();
        let (instances, away) = self.runtimes.observe().await;
        let busy = self.held(&self.busy).clone();
        let mut observed = Observed {
            now,
            disk_low: self.disk_low(),
            runtime_away: away.map(|error| format!("{error} What runs goes on; nothing new is started.")),
            services: BTreeMap::new(),
        };
        let names = desired.services.iter().map(|w| w.name.clone()).chain(instances.keys().cloned());
        for name in names.collect::<std::collections::BTreeSet<_>>() {
            let mut seen = Seen {
                instance: instances.get(&name).cloned(),
                busy: busy.contains(&name),
                ..Seen::default()
            };
            if self.ended_anew(&name, &seen) {
                self.read_last_lines(&name, &mut seen).await;
            }
            observed.services.insert(name, seen);
        }
        self.mark_taken_ports(&mut observed);
        let node_is_ours = observed.of(&BITCOIND).is_some_and(|seen| seen.port_taken.is_none());
        let tip = match &world.context {
            Some(context) if node_is_ours => self.tip(context).await,
            _ => None,
        };
        if let Some(context) = &world.context {
            self.probe(context, tip, now, &mut observed).await;
        }
        (observed, tip)
    }

    async fn tip(&self, context: &Context) -> Option<u64> {
        let credential = context.credential(&SUPERVISOR, &BITCOIND).ok()?;
        let user = credential.user(Right::Rpc(&[]));
        let node = self.doors.bitcoin(context.ports.of(&BITCOIND, "rpc"), &user, &credential.secret);
        node.chain_info().await.ok().map(|info| info.blocks)
    }

    /// Finds ports of the box that somebody else holds. An engine's own proxy listens as root.
    fn mark_taken_ports(&self, observed: &mut Observed) {
        let listeners = self.machine.listeners();
        for (name, seen) in &mut observed.services {
            let Some(service) = catalog::find(name) else { continue };
            let ours = [self.ground.user(name), self.ground.own_uid, 0];
            let ports = service.ports().iter().map(|port| self.config.port_base + port.offset);
            seen.port_taken = ports
                .filter_map(|port| listeners.get(&port).map(|user| (port, *user)))
                .find(|(_, user)| !ours.contains(user));
        }
    }

    /// Asks every running service at once how it is.
    async fn probe(&self, context: &Arc<Context>, tip: Option<u64>, now: Timestamp, observed: &mut Observed) {
        let mut asked = JoinSet::new();
        for (name, seen) in &mut observed.services {
            let Some(service) = catalog::find(name) else { continue };
            if let Some((port, user)) = seen.port_taken {
                // Asking would hand our credential to whoever listens there.
                let sentence = format!("A program of user {user} listens on its port {port}.");
                seen.health = Health::Bad { sentence };
                continue;
            }
            if seen.running().is_none() {
                continue;
            }
            let look = Look {
                doors: Arc::clone(&self.doors),
                context: Arc::clone(context),
                tip,
                now: now.0 / 1000,
                user: self.ground.user(name),
                data: self.ground.folder(name).join("data"),
            };
            let name = name.clone();
            asked.spawn(async move { (name, tokio::time::timeout(PROBE, service.probe(&look)).await.ok()) });
        }
        while let Some(answer) = asked.join_next().await {
            let Ok((name, said)) = answer else { continue };
            let health = self.heard(&name, said);
            observed.services.entry(name).or_default().health = health;
        }
    }

    /// What it said, or, for the first few silences of one that did answer, what it said before.
    fn heard(&self, name: &ServiceName, said: Option<Health>) -> Health {
        let mut silences = self.held(&self.silences);
        let Some(health) = said else {
            let before = self.latest.borrow().observed.of(name).map(|seen| seen.health.clone());
            let count = silences.entry(name.clone()).or_default();
            *count = count.saturating_add(1);
            return before.filter(|h| h.answers() && *count <= SILENCES).unwrap_or(Health::Starting);
        };
        silences.remove(name);
        health
    }

    fn ended_anew(&self, name: &ServiceName, seen: &Seen) -> bool {
        match seen.instance.as_ref().map(|i| &i.state) {
            Some(InstanceState::Exited { exit }) if !exit.asked => {
                self.held(&self.histories).get(name).is_none_or(|h| h.counted != Some(exit.at))
            }
            _ => false,
        }
    }

    async fn read_last_lines(&self, name: &ServiceName, seen: &mut Seen) {
        if let Ok(page) = self.runtimes.of_service(name).log(name, LogFrom::Tail, LAST_LINES).await {
            seen.last_lines = page.lines.into_iter().map(|line| line.text).collect();
        }
        seen.diagnosis = catalog::find(name).and_then(|service| service.diagnose(&seen.last_lines));
    }

    /// With a gap between stopping and coming back, so that a box at the edge does neither every few seconds.
    fn disk_low(&self) -> bool {
        let disk = self.machine.disk();
        let mark = WATERMARK.min(disk.total / 20);
        let was_low = self.latest.borrow().observed.disk_low;
        disk.total > 0 && disk.free < if was_low { mark + mark / 2 } else { mark }
    }

    pub(super) fn seconds_left(&self, observed: &Observed) -> BTreeMap<ServiceName, u64> {
        let mut progress = self.held(&self.progress);
        let mut left = BTreeMap::new();
        for (name, seen) in &observed.services {
            match seen.health {
                Health::Loading { basis_points } => {
                    let of_service = progress.entry(name.clone()).or_default();
                    of_service.look(observed.now, basis_points);
                    left.extend(of_service.seconds_left().map(|seconds| (name.clone(), seconds)));
                }
                _ => drop(progress.remove(name)),
            }
        }
        left
    }
}
