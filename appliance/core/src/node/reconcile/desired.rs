//! What is wanted now. Made by rendering the catalog with the committed generation, credentials and secrets.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    ports::runtime::{ImageRef, Spec},
    types::{ServiceName, SpecHash},
};

/// A service as it is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name.
    pub name: ServiceName,
    /// Whether it shall run.
    pub run: bool,
    /// Services that must answer before it starts; only those that are part of the box.
    pub needs: Vec<ServiceName>,
    /// What it shall run as, or what rendering waits for.
    pub spec: Result<SpecHash, String>,
    /// Why its image cannot be had here, in a sentence.
    pub unavailable: Option<String>,
    /// How long it may take to stop.
    pub stop_grace: Duration,
    /// How long a fresh start may take until it answers.
    pub answers_within: Duration,
    /// Whether it fills the disk by itself.
    pub is_indexer: bool,
}

/// Everything that is wanted.
#[derive(Clone, Debug, Default)]
pub struct Desired {
    /// Whether a generation is in force. Without one nothing that runs is judged: after a rescue from an old
    /// snapshot it may be all that is left of the box.
    pub set_up: bool,
    /// Services, providers before consumers.
    pub services: Vec<Wanted>,
    /// The specs behind the hashes.
    pub specs: BTreeMap<SpecHash, Spec>,
}

impl Desired {
    /// The wanted state of one service.
    pub fn of(&self, name: &ServiceName) -> Option<&Wanted> {
        self.services.iter().find(|w| w.name == *name)
    }
}

/// A short name of an image for people: `29.4.3 (built)`.
pub fn image_word(image: &ImageRef) -> &'static str {
    match image {
        ImageRef::Pulled { .. } => "pulled",
        ImageRef::Built { .. } => "built",
        ImageRef::Host => "own",
    }
}
