//! An alarm as a card: a title and advice in the reader's language, core's sentence behind "Details".

use flashnode_core::{
    node::alerts::{Alarm, AlarmKind},
    types::Timestamp,
};

use crate::{i18n::Lang, parts::line::State, view::Frame};

/// An alarm as a person reads it.
#[derive(Clone, Debug)]
pub struct AlarmCard {
    /// Its number.
    pub id: i64,
    /// What happened.
    pub title: String,
    /// What we are doing and what the person can do.
    pub advice: String,
    /// The original sentence.
    pub details: String,
    /// Where to act on it, and what that is called.
    pub link: Option<(String, String)>,
    /// Since when.
    pub since: Timestamp,
    /// When it stopped being true.
    pub gone: Option<Timestamp>,
    /// Whether somebody has seen it.
    pub seen: bool,
    /// Standing or over.
    pub state: State,
}

/// The word of a kind, as it stands in message keys.
pub const fn word(kind: AlarmKind) -> &'static str {
    match kind {
        AlarmKind::CrashLoop => "crash-loop",
        AlarmKind::DoesNotAnswer => "does-not-answer",
        AlarmKind::Reverted => "reverted",
        AlarmKind::DataDamaged => "data-damaged",
        AlarmKind::WalletPassword => "wallet-password",
        AlarmKind::DiskLow => "disk-low",
        AlarmKind::ClockWrong => "clock-wrong",
        AlarmKind::PortTaken => "port-taken",
        AlarmKind::EngineAway => "engine-away",
        AlarmKind::Revoked => "revoked",
        AlarmKind::Rescue => "rescue",
        AlarmKind::RotationStuck => "rotation-stuck",
    }
}

/// Every kind, for the gallery and for the test that each has its messages.
pub const KINDS: [AlarmKind; 12] = [
    AlarmKind::CrashLoop,
    AlarmKind::DoesNotAnswer,
    AlarmKind::Reverted,
    AlarmKind::DataDamaged,
    AlarmKind::WalletPassword,
    AlarmKind::DiskLow,
    AlarmKind::ClockWrong,
    AlarmKind::PortTaken,
    AlarmKind::EngineAway,
    AlarmKind::Revoked,
    AlarmKind::Rescue,
    AlarmKind::RotationStuck,
];

impl AlarmCard {
    /// The card of an alarm.
    pub fn new(f: &Frame, alarm: &Alarm) -> Self {
        let word = word(alarm.kind);
        let about = alarm.service.as_ref().map(|name| f.service(name.as_str()));
        let about = about.unwrap_or_else(|| f.box_name.clone());
        let link = alarm.service.as_ref().map(|name| {
            (format!("/services/{name}"), f.t1("task-look-at", "service", f.service(name.as_str())))
        });
        let state = match (alarm.gone, alarm.acknowledged) {
            (Some(_), _) => State::new("off", f.t("alert-over")),
            (None, Some(_)) => State::new("warn", f.t("alert-seen")),
            (None, None) => State::new("bad", f.t("alert-stands")),
        };
        Self {
            id: alarm.id,
            title: f.t1(&format!("alarm-{word}"), "service", &about),
            advice: f.t1(&format!("alarm-{word}-advice"), "service", &about),
            details: alarm.sentence.clone(),
            link,
            since: alarm.since,
            gone: alarm.gone,
            seen: alarm.acknowledged.is_some(),
            state,
        }
    }
}

/// An audit entry as a person reads it.
#[derive(Clone, Debug)]
pub struct Deed {
    /// Its place in the chain.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// From where.
    pub from: String,
    /// What, in the reader's language, or the bare word.
    pub what: String,
    /// On what.
    pub subject: String,
    /// The original sentence, in English.
    pub detail: String,
    /// Whether the sentence stands behind a fold: the reader has the deed in another language already.
    pub folded: bool,
}

impl Deed {
    /// The row of an entry.
    pub fn new(lang: Lang, entry: &flashnode_core::audit::Entry) -> Self {
        let key = format!("audit-{}", entry.action.replace(['.', '_'], "-"));
        let known = lang.has(&key);
        let who = match entry.who.as_str() {
            "box" => lang.get("who-box"),
            "setup" => lang.get("who-setup"),
            other => other.split_once(':').map_or(other, |(_, name)| name).to_owned(),
        };
        Self {
            seq: entry.seq,
            at: entry.at,
            who,
            from: entry.from.clone(),
            what: if known { lang.get(&key) } else { entry.action.clone() },
            subject: entry.subject.clone(),
            detail: entry.detail.clone(),
            folded: known && lang != Lang::En,
        }
    }
}
