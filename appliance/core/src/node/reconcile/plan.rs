//! Decides what happens next to each service; performs nothing. All policy of the supervisor lives here and in
//! [`super::history`].

use std::collections::BTreeMap;

use super::{
    desired::{Desired, Wanted},
    history::{Held, History},
    observed::{Observed, Seen},
};
use crate::{
    ports::runtime::InstanceState,
    types::{ServiceName, SpecHash},
};

/// Something to do to a service. Steps of different services may run at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Start it with this spec.
    Start {
        /// Which service.
        service: ServiceName,
        /// As what.
        spec: SpecHash,
    },
    /// Stop it and start it with this spec.
    Replace {
        /// Which service.
        service: ServiceName,
        /// As what.
        spec: SpecHash,
    },
    /// Stop it.
    Stop {
        /// Which service.
        service: ServiceName,
    },
}

impl Step {
    /// The service it is about.
    pub fn service(&self) -> &ServiceName {
        match self {
            Step::Start { service, .. } | Step::Replace { service, .. } | Step::Stop { service } => service,
        }
    }
}

/// What happens next, and why, for every service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What to do.
    pub steps: Vec<Step>,
    /// A sentence for each service: what is done, or what is waited for.
    pub notes: BTreeMap<ServiceName, String>,
}

/// (wanted, seen, remembered) → what happens next.
pub fn plan(desired: &Desired, observed: &Observed, histories: &BTreeMap<ServiceName, History>) -> Plan {
    let mut plan = Plan::default();
    let nothing = (Seen::default(), History::default());
    for wanted in &desired.services {
        let seen = observed.of(&wanted.name).unwrap_or(&nothing.0);
        let history = histories.get(&wanted.name).unwrap_or(&nothing.1);
        let (step, note) = one(wanted, seen, history, observed, desired);
        plan.steps.extend(step);
        plan.notes.insert(wanted.name.clone(), note);
    }
    for (name, seen) in &observed.services {
        if desired.set_up && desired.of(name).is_none() && seen.running().is_some() && !seen.busy {
            plan.steps.push(Step::Stop { service: name.clone() });
            plan.notes.insert(name.clone(), "It is no longer part of this box: stopping it.".to_owned());
        }
    }
    plan
}

/// The spec that shall run: the wanted one, or the last good one while the wanted one is refused.
pub fn target<'a>(wanted: &'a SpecHash, history: &'a History) -> &'a SpecHash {
    match (&history.refused, &history.good_spec) {
        (Some((refused, _)), Some(good)) if refused == wanted => good,
        _ => wanted,
    }
}

fn one(
    wanted: &Wanted,
    seen: &Seen,
    history: &History,
    observed: &Observed,
    desired: &Desired,
) -> (Option<Step>, String) {
    let service = wanted.name.clone();
    let say = |note: &str| (None, note.to_owned());
    if seen.busy {
        return say("A step is under way.");
    }
    if let Some(why) = &observed.runtime_away {
        return say(why);
    }
    let running = seen.running();
    if !wanted.run {
        return match running {
            Some(_) if a_dependant_runs(&service, desired, observed) => say("Stopping what needs it first."),
            Some(_) => (Some(Step::Stop { service }), "It is not wanted: stopping it.".to_owned()),
            None => say("It is not wanted."),
        };
    }
    let taken = |name: &ServiceName| observed.of(name).is_some_and(|seen| seen.port_taken.is_some());
    if let Some(provider) = wanted.needs.iter().find(|need| taken(need)) {
        // It would go on sending its password to whoever listens in its provider's place.
        let note = format!("Somebody else listens on a port of {provider}: it is kept stopped.");
        return (running.map(|_| Step::Stop { service }), note);
    }
    if observed.disk_low && wanted.is_indexer {
        return match running {
            Some(_) => (
                Some(Step::Stop { service }),
                "The disk is nearly full: stopping it before it is.".to_owned(),
            ),
            None => say("The disk is nearly full. It comes back when there is room."),
        };
    }
    let spec = match &wanted.spec {
        Ok(spec) => target(spec, history).clone(),
        Err(waiting) => return (None, format!("{}.", sentence_case(waiting))),
    };
    match running {
        Some((now, _)) if *now == spec => say("It runs as wanted."),
        _ if wanted.unavailable.is_some() => say(wanted.unavailable.as_deref().unwrap_or_default()),
        _ => match (waits_for(wanted, observed), running) {
            (Some(provider), _) => (None, format!("Waiting until {provider} answers.")),
            (None, Some(_)) => (
                Some(Step::Replace { service, spec }),
                "It runs with an older configuration: replacing it.".to_owned(),
            ),
            (None, None) => start(service, spec, seen, history, observed),
        },
    }
}

fn start(
    service: ServiceName,
    spec: SpecHash,
    seen: &Seen,
    history: &History,
    observed: &Observed,
) -> (Option<Step>, String) {
    match history.held {
        Some(Held::DataDamaged) => {
            return (None, "Its data is damaged. Rebuild it, or start it to try again.".to_owned());
        }
        Some(Held::WalletPassword) => {
            return (
                None,
                "It does not take its wallet password. Starting it again would not help.".to_owned(),
            );
        }
        None => {}
    }
    if let Some(at) = history.not_before.filter(|at| *at > observed.now) {
        let seconds = at.since(observed.now).as_secs() + 1;
        let why = match &history.start_failure {
            Some(failure) => format!("It could not be started: {}.", failure.trim_end_matches('.')),
            None => format!("It ended {} times in a row.", history.crashes),
        };
        return (None, format!("{why} Next try in {seconds} s."));
    }
    let why = match seen.instance.as_ref().map(|i| &i.state) {
        Some(InstanceState::Exited { exit }) if !exit.asked => {
            format!("It had ended ({}): starting it again.", exit.cause())
        }
        _ => "Starting it.".to_owned(),
    };
    (Some(Step::Start { service, spec }), why)
}

fn waits_for<'a>(wanted: &'a Wanted, observed: &Observed) -> Option<&'a ServiceName> {
    wanted.needs.iter().find(|need| !observed.answers(need))
}

fn a_dependant_runs(service: &ServiceName, desired: &Desired, observed: &Observed) -> bool {
    desired.services.iter().any(|other| {
        !other.run
            && other.needs.contains(service)
            && observed.of(&other.name).is_some_and(|seen| seen.running().is_some())
    })
}

fn sentence_case(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
