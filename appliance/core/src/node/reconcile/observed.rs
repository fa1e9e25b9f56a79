//! What is, in this pass: filled by looking, read by `history` and `plan`.

use std::collections::BTreeMap;

use crate::{
    node::{catalog::Diagnosis, health::Health},
    ports::runtime::{Instance, InstanceState},
    types::{ServiceName, SpecHash, Timestamp},
};

/// A service as it was seen.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its instance, when the runtime knows one.
    pub instance: Option<Instance>,
    /// How it answered.
    pub health: Health,
    /// The user who holds one of its ports although it is not the service's, with that port.
    pub port_taken: Option<(u16, u32)>,
    /// Whether a step of an earlier pass is still at work on it.
    pub busy: bool,
    /// The last log lines, when it has ended.
    pub last_lines: Vec<String>,
    /// What those lines say went wrong.
    pub diagnosis: Option<Diagnosis>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            instance: None,
            health: Health::Waiting,
            port_taken: None,
            busy: false,
            last_lines: Vec::new(),
            diagnosis: None,
        }
    }
}

impl Seen {
    /// The spec it runs, and since when.
    pub fn running(&self) -> Option<(&SpecHash, Timestamp)> {
        match &self.instance {
            Some(Instance { spec, state: InstanceState::Running { since, .. } }) => Some((spec, *since)),
            _ => None,
        }
    }
}

/// Everything that was seen.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// When.
    pub now: Timestamp,
    /// Whether free space is below the watermark.
    pub disk_low: bool,
    /// Why the box's runtime cannot be asked now; then nothing of it is touched.
    pub runtime_away: Option<String>,
    /// Services.
    pub services: BTreeMap<ServiceName, Seen>,
}

impl Observed {
    /// What was seen of one service.
    pub fn of(&self, name: &ServiceName) -> Option<&Seen> {
        self.services.get(name)
    }

    /// Whether it answers.
    pub fn answers(&self, name: &ServiceName) -> bool {
        self.of(name).is_some_and(|seen| seen.health.answers())
    }
}
