//! What happened to a service so far, and what that means for its next start. Pure.
//!
//! A crash is an end that nobody asked for while everything the service needs was answering. The first is healed
//! at once; then the waits double up to a minute, and answering for a minute forgets them. A changed spec that
//! does not answer in time, or crashes three times, is refused: the last good one comes back.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{desired::Wanted, observed::Seen};
use crate::{
    node::{catalog::Diagnosis, health::Health},
    ports::runtime::{Exit, InstanceState},
    types::{SpecHash, Timestamp},
};

/// What is remembered of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Crashes in a row.
    pub crashes: u32,
    /// The last crash and the lines before it.
    pub last_crash: Option<(Exit, Vec<String>)>,
    /// Why the last start failed before anything ran.
    pub start_failure: Option<String>,
    /// The end that was counted last, so that none is counted twice.
    pub counted: Option<Timestamp>,
    /// Not to be started before this.
    pub not_before: Option<Timestamp>,
    /// Since when it answers without a break.
    pub answers_since: Option<Timestamp>,
    /// The spec that was seen running last.
    pub spec: Option<SpecHash>,
    /// The newest spec that answered.
    pub good_spec: Option<SpecHash>,
    /// A wanted spec that was tried and taken back, with the reason.
    pub refused: Option<(SpecHash, String)>,
    /// What keeps it stopped until a person acts.
    pub held: Option<Held>,
}

/// What keeps a service stopped until a person acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// Its data is damaged.
    DataDamaged,
    /// It does not take its wallet password.
    WalletPassword,
}

/// Something that a person may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It crashed for the nth time in a row.
    Crashed {
        /// How.
        cause: String,
        /// Which time in a row.
        times: u32,
    },
    /// It crashed so often in a row that somebody should look.
    CrashLoop,
    /// It has answered for a minute: all is well again.
    Recovered,
    /// It does not answer within its time, and there is nothing to go back to.
    DoesNotAnswer,
    /// A change was taken back.
    Reverted {
        /// Why.
        reason: String,
    },
    /// It waits for a person.
    Held(Held),
}

/// So long without a break, and earlier crashes are forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(60);
/// So many crashes in a row raise an alarm.
const ALARM_AT: u32 = 5;
/// So many crashes of a changed spec take it back.
const REFUSE_AT: u32 = 3;

/// How long to wait after the nth crash in a row: nothing, then 1 s doubling up to a minute.
pub fn back_off(crashes: u32) -> Duration {
    match crashes {
        0 | 1 => Duration::ZERO,
        n => Duration::from_secs(1u64.checked_shl(n - 2).unwrap_or(u64::MAX).min(60)),
    }
}

impl History {
    /// Takes one look into account. `excused`: something it needs is away, so its end says nothing about itself.
    pub fn look(&mut self, wanted: &Wanted, seen: &Seen, excused: bool, now: Timestamp) -> Vec<Event> {
        let mut events = Vec::new();
        let Some(instance) = &seen.instance else { return events };
        if self.spec.as_ref() != Some(&instance.spec) {
            self.spec = Some(instance.spec.clone());
            self.crashes = 0;
            self.answers_since = None;
        }
        match &instance.state {
            InstanceState::Running { since, .. } => self.running(wanted, seen, *since, now, &mut events),
            InstanceState::Exited { exit } if self.counted != Some(exit.at) => {
                self.counted = Some(exit.at);
                self.answers_since = None;
                if !exit.asked {
                    self.ended(seen, exit, excused, now, &mut events);
                }
            }
            InstanceState::Exited { .. } => {}
        }
        events
    }

    /// A start that failed before anything ran counts as a crash.
    pub fn start_failed(&mut self, spec: &SpecHash, reason: &str, now: Timestamp) -> Vec<Event> {
        if self.spec.as_ref() != Some(spec) {
            self.spec = Some(spec.clone());
            self.crashes = 0;
        }
        self.start_failure = Some(reason.to_owned());
        let mut events = Vec::new();
        self.crash(reason.to_owned(), now, &mut events);
        events
    }

    /// A person asked for it to run: nothing holds it back any more.
    pub fn forgive(&mut self) {
        self.held = None;
        self.not_before = None;
        self.crashes = 0;
    }

    fn running(
        &mut self,
        wanted: &Wanted,
        seen: &Seen,
        since: Timestamp,
        now: Timestamp,
        events: &mut Vec<Event>,
    ) {
        if seen.health.answers() {
            let answers_since = *self.answers_since.get_or_insert(now);
            self.start_failure = None;
            self.good_spec.clone_from(&self.spec);
            if self.crashes > 0 && now.since(answers_since) >= FORGET_AFTER {
                self.crashes = 0;
                events.push(Event::Recovered);
            }
            return;
        }
        self.answers_since = None;
        if now.since(since) > wanted.answers_within {
            let seconds = wanted.answers_within.as_secs();
            match &seen.health {
                Health::Bad { sentence } => self.refuse_or(sentence.clone(), Event::DoesNotAnswer, events),
                _ => self.refuse_or(
                    format!("It did not answer within {seconds} s."),
                    Event::DoesNotAnswer,
                    events,
                ),
            }
        }
    }

    fn ended(&mut self, seen: &Seen, exit: &Exit, excused: bool, now: Timestamp, events: &mut Vec<Event>) {
        self.last_crash = Some((exit.clone(), seen.last_lines.clone()));
        if excused {
            return;
        }
        let held = seen.diagnosis.map(|d| match d {
            Diagnosis::DataDamaged => Held::DataDamaged,
            Diagnosis::WalletPassword => Held::WalletPassword,
        });
        if let Some(held) = held {
            self.held = Some(held);
            events.push(Event::Held(held));
        }
        self.crash(exit.cause(), now, events);
    }

    fn crash(&mut self, cause: String, now: Timestamp, events: &mut Vec<Event>) {
        self.crashes += 1;
        self.not_before = Some(now.plus(back_off(self.crashes)));
        events.push(Event::Crashed { cause: cause.clone(), times: self.crashes });
        if self.crashes >= REFUSE_AT {
            let reason = format!("It ended {} times in a row: {cause}.", self.crashes);
            self.refuse_or(reason, Event::CrashLoop, events);
        }
    }

    /// Takes the running spec back when another one was good; otherwise tells, once it is worth telling.
    fn refuse_or(&mut self, reason: String, otherwise: Event, events: &mut Vec<Event>) {
        let Some(spec) = &self.spec else { return };
        if self.good_spec.as_ref().is_some_and(|good| good != spec) {
            self.refused = Some((spec.clone(), reason.clone()));
            self.not_before = None;
            self.held = None;
            events.push(Event::Reverted { reason });
        } else if otherwise != Event::CrashLoop || self.crashes >= ALARM_AT {
            events.push(otherwise);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ports::runtime::Instance, types::ServiceName};

    fn wanted() -> Wanted {
        Wanted {
            name: ServiceName::new("lnd"),
            run: true,
            needs: Vec::new(),
            spec: Ok(SpecHash("new".to_owned())),
            unavailable: None,
            stop_grace: Duration::from_secs(1),
            answers_within: Duration::from_secs(30),
            is_indexer: false,
        }
    }

    fn running(spec: &str, since: i64, health: Health) -> Seen {
        let state = InstanceState::Running { since: Timestamp(since), pid: None };
        Seen {
            instance: Some(Instance { spec: SpecHash(spec.to_owned()), state }),
            health,
            ..Seen::default()
        }
    }

    fn ended(spec: &str, at: i64) -> Seen {
        let exit =
            Exit { code: Some(1), signal: None, out_of_memory: false, at: Timestamp(at), asked: false };
        Seen {
            instance: Some(Instance {
                spec: SpecHash(spec.to_owned()),
                state: InstanceState::Exited { exit },
            }),
            ..Seen::default()
        }
    }

    #[test]
    fn the_first_crash_is_healed_at_once_and_the_tenth_within_a_minute() {
        assert_eq!(back_off(1), Duration::ZERO);
        assert_eq!(back_off(2), Duration::from_secs(1));
        assert_eq!(back_off(10), Duration::from_secs(60));
        assert_eq!(back_off(u32::MAX), Duration::from_secs(60));
    }

    #[test]
    fn one_end_is_counted_once() {
        let mut history = History::default();
        for now in [1_000, 2_000, 3_000] {
            history.look(&wanted(), &ended("new", 500), false, Timestamp(now));
        }
        assert_eq!(history.crashes, 1);
    }

    #[test]
    fn five_crashes_in_a_row_raise_the_alarm_and_a_minute_of_answers_ends_it() {
        let mut history = History::default();
        let mut events = Vec::new();
        for n in 1..=5 {
            events = history.look(&wanted(), &ended("new", n * 1_000), false, Timestamp(n * 1_000));
        }
        assert!(events.contains(&Event::CrashLoop), "{events:?}");
        history.look(&wanted(), &running("new", 6_000, Health::Good), false, Timestamp(6_000));
        let events = history.look(&wanted(), &running("new", 6_000, Health::Good), false, Timestamp(66_001));
        assert_eq!((events, history.crashes), (vec![Event::Recovered], 0));
    }

    #[test]
    fn an_end_while_its_provider_is_away_is_no_crash() {
        let mut history = History::default();
        history.look(&wanted(), &ended("new", 500), true, Timestamp(600));
        assert_eq!((history.crashes, history.last_crash.is_some()), (0, true));
    }

    #[test]
    fn a_changed_spec_that_never_answers_is_refused_with_the_reason() {
        let mut history = History { good_spec: Some(SpecHash("old".to_owned())), ..History::default() };
        let events = history.look(&wanted(), &running("new", 0, Health::Starting), false, Timestamp(31_000));
        assert!(matches!(&events[..], [Event::Reverted { .. }]), "{events:?}");
        assert_eq!(history.refused.as_ref().map(|(s, _)| s.0.as_str()), Some("new"));
    }

    #[test]
    fn a_changed_spec_that_crashes_three_times_is_refused() {
        let mut history = History { good_spec: Some(SpecHash("old".to_owned())), ..History::default() };
        for n in 1..=3 {
            history.look(&wanted(), &ended("new", n), false, Timestamp(n));
        }
        assert!(history.refused.is_some());
    }

    #[test]
    fn loading_for_days_is_neither_a_failure_nor_refused() {
        let mut history = History { good_spec: Some(SpecHash("old".to_owned())), ..History::default() };
        let loading = running("new", 0, Health::Loading { basis_points: 100 });
        assert!(history.look(&wanted(), &loading, false, Timestamp(86_400_000)).is_empty());
        assert_eq!(history.good_spec, Some(SpecHash("new".to_owned())));
    }

    #[test]
    fn a_wrong_wallet_password_holds_the_service() {
        let mut history = History::default();
        let seen = Seen { diagnosis: Some(Diagnosis::WalletPassword), ..ended("new", 1) };
        assert!(
            history.look(&wanted(), &seen, false, Timestamp(2)).contains(&Event::Held(Held::WalletPassword))
        );
        history.forgive();
        assert_eq!(history.held, None);
    }
}
