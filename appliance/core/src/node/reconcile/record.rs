//! Writes down what happened: histories, alarms, and the audit log.

use super::{
    desired::{Desired, Wanted},
    history::{Event, Held},
    observed::{Observed, Seen},
    task::{Node, the_box},
};
use crate::{
    error::Result,
    node::{
        alerts::{AlarmKind, store as alarms},
        wanted::store as wanted_store,
    },
    ports::runtime::InstanceState,
    types::{ServiceName, Timestamp},
};

impl Node {
    pub(super) async fn record(&self, desired: &Desired, observed: &Observed) -> Result<()> {
        let happened = std::mem::take(&mut *self.held(&self.happened));
        for (service, event) in happened {
            self.tell(&service, &event, observed.now).await?;
        }
        for wanted in &desired.services {
            // While something is missing to render it (a locked box), its silence says nothing about itself.
            let Some(seen) = observed.of(&wanted.name).filter(|seen| !seen.busy && wanted.spec.is_ok())
            else {
                continue;
            };
            self.tell_of_ports(&wanted.name, seen, observed.now).await?;
            let excused = excused(wanted, seen, observed);
            let (events, changed) = {
                let mut histories = self.held(&self.histories);
                let history = histories.entry(wanted.name.clone()).or_default();
                let before = history.clone();
                let events = history.look(wanted, seen, excused, observed.now);
                (events, (*history != before).then(|| history.clone()))
            };
            for event in &events {
                self.tell(&wanted.name, event, observed.now).await?;
            }
            if seen.health.answers() {
                alarms::lower(&self.store, AlarmKind::DoesNotAnswer, Some(&wanted.name), observed.now)
                    .await?;
                if seen.running().map(|(spec, _)| spec) == wanted.spec.as_ref().ok() {
                    alarms::lower(&self.store, AlarmKind::Reverted, Some(&wanted.name), observed.now).await?;
                }
            }
            if let Some(history) = changed {
                wanted_store::set_history(&self.store, &wanted.name, &history).await?;
            }
        }
        self.tell_of_the_box(observed).await
    }

    async fn tell(&self, service: &ServiceName, event: &Event, at: Timestamp) -> Result<()> {
        let (action, alarm, sentence) = match event {
            Event::Crashed { cause, times } => (
                "service.crashed",
                None,
                format!("{service} ended by itself: {cause} (time {times} in a row)."),
            ),
            Event::CrashLoop => {
                let text = format!(
                    "{service} ends again and again. We keep trying, at most once a minute. Its log says why."
                );
                ("service.crash_loop", Some(AlarmKind::CrashLoop), text)
            }
            Event::DoesNotAnswer => {
                let text = format!("{service} runs but does not answer. Look at its log, or restart it.");
                ("service.does_not_answer", Some(AlarmKind::DoesNotAnswer), text)
            }
            Event::Reverted { reason } => {
                let text = format!("The change to {service} was taken back: {reason} It runs as before.");
                ("service.reverted", Some(AlarmKind::Reverted), text)
            }
            Event::Held(Held::DataDamaged) => {
                let text = format!("The data of {service} is damaged. It can be rebuilt from its page.");
                ("service.data_damaged", Some(AlarmKind::DataDamaged), text)
            }
            Event::Held(Held::WalletPassword) => {
                let text = format!(
                    "{service} does not take its wallet password, so it stays stopped. Your money is safe."
                );
                ("service.wallet_password", Some(AlarmKind::WalletPassword), text)
            }
            Event::Recovered => ("service.recovered", None, format!("{service} has been well for a minute.")),
        };
        match alarm {
            // DoesNotAnswer comes with every look; only the first is news.
            Some(kind) if !alarms::raise(&self.store, kind, Some(service), &sentence, at).await? => {
                return Ok(());
            }
            _ => {}
        }
        if matches!(event, Event::Recovered) {
            alarms::lower(&self.store, AlarmKind::CrashLoop, Some(service), at).await?;
        }
        tracing::warn!(service.name = %service, action, "{sentence}");
        self.note(&the_box(), action, service.as_str(), &sentence).await;
        Ok(())
    }

    /// Looks at the clock and at revoked versions; slower than a pass may be, so it has a timer of its own.
    pub async fn check_machine(&self) -> Result<()> {
        let snapshot = self.latest.borrow().clone();
        let at = self.clock.now();
        let findings = self.machine.examine(&[], &[]).await;
        match findings.iter().find(|finding| finding.check == "clock" && finding.severe) {
            Some(wrong) => {
                let sentence = format!("{} {}", wrong.problem, wrong.advice);
                alarms::raise(&self.store, AlarmKind::ClockWrong, None, &sentence, at).await?;
            }
            None => alarms::lower(&self.store, AlarmKind::ClockWrong, None, at).await?,
        }
        for (name, reason) in self.revoked(&snapshot.world) {
            match reason {
                Some(reason) => {
                    alarms::raise(&self.store, AlarmKind::Revoked, Some(&name), &reason, at).await?;
                }
                None => alarms::lower(&self.store, AlarmKind::Revoked, Some(&name), at).await?,
            }
        }
        Ok(())
    }

    async fn tell_of_ports(&self, name: &ServiceName, seen: &Seen, at: Timestamp) -> Result<()> {
        let Some((port, user)) = seen.port_taken else {
            let before = self.latest.borrow().observed.of(name).is_none_or(|seen| seen.port_taken.is_some());
            return if before {
                alarms::lower(&self.store, AlarmKind::PortTaken, Some(name), at).await
            } else {
                Ok(())
            };
        };
        let sentence = format!("A program of user {user} listens on port {port}, which belongs to {name}.");
        alarms::raise(&self.store, AlarmKind::PortTaken, Some(name), &sentence, at).await.map(drop)
    }

    async fn tell_of_the_box(&self, observed: &Observed) -> Result<()> {
        let stands = |kind, on: bool, sentence: String| async move {
            if on {
                alarms::raise(&self.store, kind, None, &sentence, observed.now).await.map(drop)
            } else {
                alarms::lower(&self.store, kind, None, observed.now).await
            }
        };
        let was = self.latest.borrow().clone();
        if was.at == Timestamp(0) || was.observed.disk_low != observed.disk_low {
            let text =
                "The disk is nearly full. Services that fill it are stopped until there is room.".to_owned();
            stands(AlarmKind::DiskLow, observed.disk_low, text).await?;
        }
        if was.at == Timestamp(0) || was.observed.runtime_away.is_some() != observed.runtime_away.is_some() {
            let text = observed.runtime_away.clone().unwrap_or_default();
            stands(AlarmKind::EngineAway, observed.runtime_away.is_some(), text).await?;
        }
        Ok(())
    }
}

/// A consumer may notice up to this long after its provider is back that the provider was away.
const NOTICED_LATE: std::time::Duration = std::time::Duration::from_secs(5);

/// Its end says nothing about itself when something it needs is away, or came back only after it ended.
fn excused(wanted: &Wanted, seen: &Seen, observed: &Observed) -> bool {
    let Some(InstanceState::Exited { exit }) = seen.instance.as_ref().map(|i| &i.state) else { return false };
    wanted.needs.iter().any(|need| {
        !observed.answers(need)
            || observed
                .of(need)
                .and_then(Seen::running)
                .is_some_and(|(_, since)| since.plus(NOTICED_LATE) >= exit.at)
    })
}
