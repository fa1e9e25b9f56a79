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

/// How long a service may take to say how it is.
const PROBE: Duration = Duration::from_secs(4);
/// Lines kept of a service that has ended.
const LAST_LINES: usize = 30;
/// Below this much free space indexers stop; they come back at one and a half times of it.
const WATERMARK: u64 = 5 << 30;

impl Node {
    pub(super) async fn look(&self, world: &World, desired: &Desired) -> (Observed, Option<u64>) {
        let now = self.clock.now();
        let (instances, away) = self.runtimes.observe().await;
        let busy = self.locked(&self.busy).clone();
        let mut observed = Observed {
            now,
            disk_low: self.disk_low(),
            runtime_away: away.map(|error| format!("{error} What runs goes on; nothing new is started.")),
            services: BTreeMap::new(),
        };
        let tip = match &world.context {
            Some(context) => self.tip(context).await,
            None => None,
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

    /// Asks every running service at once how it is.
    async fn probe(&self, context: &Arc<Context>, tip: Option<u64>, now: Timestamp, observed: &mut Observed) {
        let mut asked = JoinSet::new();
        for (name, seen) in &mut observed.services {
            let Some(service) = catalog::find(name) else { continue };
            if seen.running().is_none() {
                continue;
            }
            let look = Look {
                doors: Arc::clone(&self.doors),
                context: Arc::clone(context),
                tip,
                now: now.0 / 1000,
                data: self.ground.folder(name).join("data"),
            };
            let name = name.clone();
            asked.spawn(async move {
                let health =
                    tokio::time::timeout(PROBE, service.probe(&look)).await.unwrap_or(Health::Starting);
                (name, health)
            });
        }
        while let Some(answer) = asked.join_next().await {
            let Ok((name, health)) = answer else { continue };
            observed.services.entry(name).or_default().health = health;
        }
    }

    fn ended_anew(&self, name: &ServiceName, seen: &Seen) -> bool {
        match seen.instance.as_ref().map(|i| &i.state) {
            Some(InstanceState::Exited { exit }) if !exit.asked => {
                self.locked(&self.histories).get(name).is_none_or(|h| h.counted != Some(exit.at))
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
        let mut progress = self.locked(&self.progress);
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
