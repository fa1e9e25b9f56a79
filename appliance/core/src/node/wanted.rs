//! The wanted state: generations of it, what is staged, and which services a person has stopped for now.

pub mod store;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::catalog::{self, Presence, Service};
use crate::{
    control::{Change, Flavour, ServiceChoice},
    error::{Error, Result},
    ports::runtime::ImageRef,
    types::{Network, ServiceName},
};

/// An image with the version that stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// Where it comes from.
    pub image: ImageRef,
    /// Its version.
    pub version: String,
}

/// One committed wanted state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedBox {
    /// The network, the same in every generation.
    pub network: Network,
    /// The owner's choice.
    pub choice: ServiceChoice,
    /// The image of each service whose image could be had.
    pub images: BTreeMap<ServiceName, Pinned>,
}

/// The choice before there is one.
pub fn nothing_chosen() -> ServiceChoice {
    ServiceChoice { bitcoind_flavour: Flavour::Knots, prune_mib: None, optional: Vec::new() }
}

impl WantedBox {
    /// Whether the service belongs to this box.
    pub fn includes(&self, service: &dyn Service, playground: bool) -> bool {
        let fits = service.excluded_by(&self.choice).is_none();
        match service.presence() {
            Presence::Always => true,
            Presence::Standard => fits,
            Presence::Optional => fits && self.choice.optional.contains(&service.name()),
            Presence::Playground => playground && self.network == Network::Regtest,
        }
    }

    /// This state with a change made to it. `offered` is what the catalog has now.
    pub fn with(&self, change: &Change, offered: &BTreeMap<ServiceName, Pinned>) -> Result<Self> {
        let mut next = self.clone();
        match change {
            Change::Service { name, wanted } => {
                if catalog::get(name)?.presence() != Presence::Optional {
                    return Err(Error::invalid(format!("{name} is not an optional service.")));
                }
                next.choice.optional.retain(|other| other != name);
                if *wanted {
                    next.choice.optional.push(name.clone());
                    next.add_needs(name);
                }
            }
            Change::Update { name } => {
                catalog::get(name)?;
                let image = offered.get(name).ok_or_else(|| {
                    Error::conflict(format!(
                        "The catalog has no version of {name} that can be had on this box."
                    ))
                })?;
                next.images.insert(name.clone(), image.clone());
            }
            Change::Choice { services } => next.choice = services.clone(),
        }
        catalog::check_choice(&next.choice)?;
        for (name, image) in offered {
            next.images.entry(name.clone()).or_insert_with(|| image.clone());
        }
        Ok(next)
    }

    /// Optional services that an optional service cannot do without are wanted with it.
    fn add_needs(&mut self, name: &ServiceName) {
        for need in catalog::find(name).map_or(&[][..], |s| s.needs()) {
            let optional = catalog::find(need).is_some_and(|s| s.presence() == Presence::Optional);
            if optional && !self.choice.optional.contains(need) {
                self.choice.optional.push(need.clone());
                self.add_needs(need);
            }
        }
    }

    /// What changes from `self` to `next`, a line each, in words for the owner.
    pub fn differences(&self, next: &WantedBox) -> Vec<String> {
        let mut lines = Vec::new();
        for service in catalog::ALL.iter().map(|s| s.name()) {
            match (self.images.get(&service), next.images.get(&service)) {
                (Some(a), Some(b)) if a != b => {
                    lines.push(format!("{service}: {} → {}", a.version, b.version))
                }
                (None, Some(b)) => lines.push(format!("{service}: {} can be had now", b.version)),
                _ => {}
            }
            match (self.choice.optional.contains(&service), next.choice.optional.contains(&service)) {
                (false, true) => lines.push(format!("{service}: switched on")),
                (true, false) => lines.push(format!("{service}: switched off; its data stays")),
                _ => {}
            }
        }
        if self.choice.bitcoind_flavour != next.choice.bitcoind_flavour {
            let words =
                (flavour_word(self.choice.bitcoind_flavour), flavour_word(next.choice.bitcoind_flavour));
            lines.push(format!("bitcoind: {} → {}", words.0, words.1));
        }
        if self.choice.prune_mib != next.choice.prune_mib {
            let words =
                |mib: Option<u64>| mib.map_or("every block".to_owned(), |m| format!("the newest {m} MiB"));
            lines.push(format!(
                "blocks kept: {} → {}",
                words(self.choice.prune_mib),
                words(next.choice.prune_mib)
            ));
        }
        lines
    }
}

/// The name of a flavour.
pub const fn flavour_word(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Core => "Core",
        Flavour::Knots => "Knots",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::catalog::{BTCPAY, ELECTRS, NBXPLORER, POSTGRES, TOR};

    fn wanted() -> WantedBox {
        WantedBox { network: Network::Regtest, choice: nothing_chosen(), images: BTreeMap::new() }
    }

    #[test]
    fn switching_btcpay_on_brings_what_it_needs() {
        let next =
            wanted().with(&Change::Service { name: BTCPAY, wanted: true }, &BTreeMap::new()).expect("fits");
        for name in [BTCPAY, NBXPLORER, POSTGRES] {
            assert!(next.choice.optional.contains(&name), "{name}");
        }
        assert!(wanted().differences(&next).contains(&"postgres: switched on".to_owned()));
    }

    #[test]
    fn a_standard_service_cannot_be_switched_off() {
        assert!(wanted().with(&Change::Service { name: ELECTRS, wanted: false }, &BTreeMap::new()).is_err());
    }

    #[test]
    fn pruning_leaves_electrs_out() {
        let mut pruned = wanted();
        pruned.choice.prune_mib = Some(10_000);
        assert!(!pruned.includes(catalog::get(&ELECTRS).expect("known"), true));
        assert!(wanted().includes(catalog::get(&ELECTRS).expect("known"), true));
    }

    #[test]
    fn nothing_differs_from_itself() {
        let tor =
            wanted().with(&Change::Service { name: TOR, wanted: true }, &BTreeMap::new()).expect("fits");
        assert!(tor.differences(&tor).is_empty());
    }
}
