//! What the loop holds, and the loop: it wakes on a timer or a nudge and re-reads everything. There is one path.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use tokio::sync::{Notify, watch};

use super::{
    desired::Desired,
    execute::{Job, Runtimes},
    history::{Event, History},
    observed::Observed,
    plan::{Plan, Step, plan},
    world::World,
};
use crate::{
    audit::Audit,
    config::Config,
    control::{Actor, DiskView},
    error::{Result, chain},
    keys::Vault,
    node::{
        catalog::{Images, context::Doors},
        health::progress::Progress,
        specs::Ground,
    },
    ports::{authority::Authority, clock::Clock, machine::Machine},
    store::Store,
    types::{ServiceName, Timestamp},
};

/// Everything that keeping services needs.
pub struct Node {
    /// `box.db`.
    pub store: Store,
    /// The master key, unless the box is locked.
    pub keys: RwLock<Option<Arc<Vault>>>,
    /// Where services run.
    pub runtimes: Runtimes,
    /// Ways to ask them.
    pub doors: Arc<dyn Doors>,
    /// Certificates.
    pub authority: Arc<dyn Authority>,
    /// The machine beneath.
    pub machine: Arc<dyn Machine>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where services live.
    pub ground: Ground,
    /// The boot file.
    pub config: Config,
    /// The catalog of images.
    pub images: Images,
    /// This build of our own program: version and a hash of the file.
    pub build: String,
    /// Whether the services' runtime is an engine.
    pub engine: bool,
    /// Every name and address by which browsers may call this box.
    pub hosts: Vec<String>,
    /// Why the last snapshot of the database is in use.
    pub rescue: Option<String>,
    /// Wakes the loop; carries no news.
    pub nudge: Notify,
    /// Says that something was written that a rescue must not lose: a snapshot is due.
    pub worth_keeping: Notify,
    /// What the last pass saw.
    pub latest: watch::Sender<Arc<Snapshot>>,
    /// What is remembered of every service; the loop writes it down.
    pub histories: Mutex<BTreeMap<ServiceName, History>>,
    /// Services that a step is at work on.
    pub busy: Mutex<BTreeSet<ServiceName>>,
    /// How often in a row a running service did not answer in time.
    pub silences: Mutex<BTreeMap<ServiceName, u8>>,
    /// What happened between two passes, for the next one to write down.
    pub happened: Mutex<Vec<(ServiceName, Event)>>,
    /// How fast loading services go.
    pub progress: Mutex<BTreeMap<ServiceName, Progress>>,
}

/// What one pass saw and decided.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// When.
    pub at: Timestamp,
    /// What was read.
    pub world: Arc<World>,
    /// What is wanted.
    pub desired: Arc<Desired>,
    /// What was seen.
    pub observed: Arc<Observed>,
    /// What was decided.
    pub plan: Plan,
    /// What is remembered.
    pub histories: BTreeMap<ServiceName, History>,
    /// Seconds left of services that load.
    pub seconds_left: BTreeMap<ServiceName, u64>,
    /// Space.
    pub disk: DiskView,
    /// What the runtime says of itself, or why it cannot be used.
    pub runtime: String,
    /// The chain's tip.
    pub tip: Option<u64>,
}

/// How often the loop wakes by itself.
const TICK: Duration = Duration::from_secs(2);
/// How often while something is on its way.
const BUSY_TICK: Duration = Duration::from_millis(400);

impl Node {
    /// Keeps the box as wanted until `shutdown`. Services go on running afterwards.
    pub async fn run(self: Arc<Self>, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        loop {
            let settled = match self.once().await {
                Ok(settled) => settled,
                Err(error) => {
                    tracing::error!(error = %chain(&error), "a pass of the supervisor failed");
                    true
                }
            };
            let pause = if settled { TICK } else { BUSY_TICK };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.nudge.notified() => {}
                () = &mut shutdown => return,
            }
        }
    }

    /// One pass: observe → plan → execute → record. Says whether everything is settled.
    pub async fn once(self: &Arc<Self>) -> Result<bool> {
        let mut world = self.read_world().await?;
        if self.make_missing(&world).await? {
            world = self.read_world().await?;
        }
        let (desired, files) = self.render(&world);
        let (observed, tip) = self.look(&world, &desired).await;
        self.record(&desired, &observed).await?;
        let histories = self.held(&self.histories).clone();
        let plan = plan(&desired, &observed, &histories);
        self.launch(&plan.steps, &desired, &files, observed.now);
        let turned = match &world.context {
            Some(context) => self.turn_edges(context, &desired, &observed).await?,
            None => false,
        };
        if turned {
            self.worth_keeping.notify_one();
        }
        let quiet = plan.steps.is_empty() && !turned;
        let settled = quiet
            && observed
                .services
                .values()
                .all(|s| !s.busy && s.health != crate::node::health::Health::Starting);
        self.sweep(&desired, &histories, &observed);
        let runtime = match &observed.runtime_away {
            Some(why) => why.clone(),
            None => self.latest.borrow().runtime.clone(),
        };
        let runtime = if runtime.is_empty()
            || observed.runtime_away.is_none() && self.latest.borrow().observed.runtime_away.is_some()
        {
            self.runtimes.services.describe().await.unwrap_or_else(|error| error.to_string())
        } else {
            runtime
        };
        self.latest.send_replace(Arc::new(Snapshot {
            at: observed.now,
            seconds_left: self.seconds_left(&observed),
            world: Arc::new(world),
            desired: Arc::new(desired),
            observed: Arc::new(observed),
            plan,
            histories,
            disk: self.machine.disk(),
            runtime,
            tip,
        }));
        Ok(settled)
    }

    /// Starts each step on its own, so that bitcoind's quarter of an hour to stop holds nothing else up.
    fn launch(
        self: &Arc<Self>,
        steps: &[Step],
        desired: &Desired,
        files: &super::world::Files,
        now: Timestamp,
    ) {
        for step in steps {
            let service = step.service().clone();
            let job = match Job::new(step.clone(), desired, files, &self.ground) {
                Ok(job) => job,
                Err(error) => {
                    self.step_failed(step, &error.to_string(), now);
                    continue;
                }
            };
            self.held(&self.busy).insert(service.clone());
            let node = Arc::clone(self);
            let step = step.clone();
            tokio::spawn(async move {
                tracing::info!(service.name = %service, ?step, "step begins");
                if let Err(error) = job.perform(&node.runtimes, &node.ground).await {
                    tracing::warn!(service.name = %service, error = %error, "step failed");
                    node.step_failed(&step, &error.to_string(), node.clock.now());
                }
                node.held(&node.busy).remove(&service);
                node.nudge.notify_one();
            });
        }
    }

    fn step_failed(&self, step: &Step, reason: &str, now: Timestamp) {
        if let Step::Start { service, spec } | Step::Replace { service, spec } = step {
            let events = self
                .held(&self.histories)
                .entry(service.clone())
                .or_default()
                .start_failed(spec, reason, now);
            self.held(&self.happened).extend(events.into_iter().map(|event| (service.clone(), event)));
        }
    }

    fn sweep(&self, desired: &Desired, histories: &BTreeMap<ServiceName, History>, observed: &Observed) {
        for wanted in &desired.services {
            let history = histories.get(&wanted.name);
            let running = observed.of(&wanted.name).and_then(|s| s.running()).map(|(spec, _)| spec);
            let good = history.and_then(|h| h.good_spec.as_ref());
            let keep: Vec<_> = wanted.spec.as_ref().ok().into_iter().chain(running).chain(good).collect();
            let quiet = observed.of(&wanted.name).is_some_and(|s| !s.busy);
            // Only once the new one has proven itself is there nothing left to go back to.
            if quiet && running.is_some() && running == good {
                self.ground.sweep(&wanted.name, &keep);
            }
        }
    }

    /// Adds to the audit log. A log that cannot be written must not stop the box from being kept alive: it is told.
    pub async fn note(&self, actor: &Actor, action: &str, subject: &str, detail: &str) {
        let written =
            Audit::append(&self.store, self.clock.as_ref(), &actor.who, &actor.from, action, subject, detail)
                .await;
        if let Err(error) = written {
            tracing::error!(error = %chain(&error), action, subject, "the audit log cannot be written");
        }
    }

    /// A lock whose holder panicked still guards plain data.
    pub fn held<'a, T>(&self, mutex: &'a Mutex<T>) -> std::sync::MutexGuard<'a, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The vault, unless the box is locked.
    pub fn vault(&self) -> Option<Arc<Vault>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The box itself, as the actor of what it does unasked.
pub fn the_box() -> Actor {
    Actor { who: "box".to_owned(), from: "supervisor".to_owned() }
}
