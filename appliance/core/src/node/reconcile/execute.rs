//! Performs a step. Makes no choices: those are the plan's.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    desired::{Desired, Wanted},
    plan::Step,
};
use crate::{
    node::specs::Ground,
    ports::{
        PortError, PortResult,
        runtime::{Instance, Runtime, Spec, SpecFile},
    },
    types::{ServiceName, SpecHash},
};

/// The runtimes of a box: one for its services, and plain processes for our own roles.
#[derive(Clone)]
pub struct Runtimes {
    /// For services.
    pub services: Arc<dyn Runtime>,
    /// For our own roles; may be the same.
    pub host: Arc<dyn Runtime>,
    /// Whether the two are the same.
    pub same: bool,
}

impl Runtimes {
    /// The runtime of a spec.
    pub fn of(&self, spec: &Spec) -> &Arc<dyn Runtime> {
        if spec.on_host { &self.host } else { &self.services }
    }

    /// The runtime that this service runs in.
    pub fn of_service(&self, service: &ServiceName) -> &Arc<dyn Runtime> {
        if *service == crate::node::catalog::APP { &self.host } else { &self.services }
    }

    /// Everything that runs or has ended, of both; and why the services' runtime cannot be asked, when it cannot.
    pub async fn observe(&self) -> (BTreeMap<ServiceName, Instance>, Option<PortError>) {
        let mut all = if self.same { BTreeMap::new() } else { self.host.observe().await.unwrap_or_default() };
        match self.services.observe().await {
            Ok(services) => {
                all.extend(services);
                (all, None)
            }
            Err(error) => (all, Some(error)),
        }
    }
}

/// A step with everything it needs, so that it can run on its own.
pub struct Job {
    /// The step.
    pub step: Step,
    /// The spec to start, with its files; none for a stop, and no files for one that was placed earlier.
    pub spec: Option<(Spec, Vec<SpecFile>)>,
    /// How long the service may take to stop.
    pub grace: std::time::Duration,
}

impl Job {
    /// Finds what the step needs: in what is wanted, or, for going back, in what was placed earlier.
    pub fn new(
        step: Step,
        desired: &Desired,
        files: &BTreeMap<SpecHash, Vec<SpecFile>>,
        ground: &Ground,
    ) -> PortResult<Self> {
        let grace =
            desired.of(step.service()).map_or(std::time::Duration::from_secs(60), |w: &Wanted| w.stop_grace);
        let spec = match &step {
            Step::Stop { .. } => None,
            Step::Start { service, spec } | Step::Replace { service, spec } => {
                Some(match desired.specs.get(spec) {
                    Some(wanted) => (wanted.clone(), files.get(spec).cloned().unwrap_or_default()),
                    None => {
                        let placed = ground.placed(service, spec);
                        (
                            placed.map_err(|e| {
                                PortError::Failed(format!("its earlier configuration is gone: {e}"))
                            })?,
                            Vec::new(),
                        )
                    }
                })
            }
        };
        Ok(Self { step, spec, grace })
    }

    /// Does it.
    pub async fn perform(self, runtimes: &Runtimes, ground: &Ground) -> PortResult<()> {
        match (&self.step, &self.spec) {
            (Step::Stop { service }, _) => runtimes.of_service(service).stop(service, self.grace).await,
            (Step::Start { .. }, Some((spec, files))) => start(runtimes, ground, spec, files).await,
            (Step::Replace { service, .. }, Some((spec, files))) => {
                let runtime = runtimes.of(spec);
                // Before the old one goes: an image that cannot be had must not cost the service that runs.
                runtime.prepare(&spec.image).await?;
                runtime.stop(service, self.grace).await?;
                start(runtimes, ground, spec, files).await
            }
            (Step::Start { .. } | Step::Replace { .. }, None) => Ok(()),
        }
    }
}

async fn start(runtimes: &Runtimes, ground: &Ground, spec: &Spec, files: &[SpecFile]) -> PortResult<()> {
    let runtime = runtimes.of(spec);
    runtime.prepare(&spec.image).await?;
    ground.place(spec, files).map_err(|e| PortError::Failed(format!("its files cannot be written: {e}")))?;
    runtime.start(spec).await
}
