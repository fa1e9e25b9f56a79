//! A service as a row: its state in a word, a shape and a colour, and what it is busy with.

use flashnode_core::{
    control::{ServiceLine, UpdateView},
    node::health::Health,
};

use crate::{
    i18n::{Lang, format},
    view::Frame,
};

/// A state: never colour alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// `good`, `info`, `warn`, `bad` or `off`.
    pub class: &'static str,
    /// ● ◐ ▲ ■ ○
    pub shape: &'static str,
    /// The word.
    pub word: String,
}

impl State {
    /// A state of this class with this word.
    pub fn new(class: &'static str, word: String) -> Self {
        let shape = match class {
            "good" => "●",
            "info" => "◐",
            "bad" | "warn" => "▲",
            "wait" => "○",
            _ => "■",
        };
        Self { class, shape, word }
    }

    /// The state of a service.
    pub fn of(lang: Lang, line: &ServiceLine) -> Self {
        if line.unavailable.is_some() {
            return Self::new("off", lang.get("state-unavailable"));
        }
        if !line.wanted {
            return Self::new("off", lang.get(if line.optional { "state-off" } else { "state-stopped" }));
        }
        match &line.health {
            Health::Waiting => Self::new("wait", lang.get("state-waiting")),
            Health::Starting => Self::new("info", lang.get("state-starting")),
            Health::Loading { basis_points } => Self::new(
                "info",
                lang.with("state-loading", &[("percent", &format::percent(lang, *basis_points))]),
            ),
            Health::Good => Self::new("good", lang.get("state-good")),
            Health::Bad { .. } => Self::new("bad", lang.get("state-bad")),
        }
    }
}

/// A service in a list.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name, for the URL.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// `Knots 29.4`, `0.21.3`.
    pub version: String,
    /// How it is.
    pub state: State,
    /// How far it is, in hundredths of a percent, while loading.
    pub loading: Option<u16>,
    /// What is left, when it can be told.
    pub left: Option<String>,
    /// What is behind the state: core's own English sentence, or the state explained.
    pub note: Option<String>,
    /// The English original behind a general note.
    pub details: Option<String>,
    /// Whether it may be switched off.
    pub optional: bool,
    /// Whether it is to run.
    pub wanted: bool,
    /// Whether it cannot be had here.
    pub unavailable: bool,
}

impl Line {
    /// The row of a service.
    pub fn new(f: &Frame, line: &ServiceLine) -> Self {
        let loading = match &line.health {
            Health::Loading { basis_points } if line.wanted => Some(*basis_points),
            _ => None,
        };
        let english = english(line);
        let (note, details) = match english {
            Some(text) if f.lang == Lang::En => (Some(text), None),
            Some(text) => (Some(general(f, line)), Some(text)),
            None => (None, None),
        };
        Self {
            name: line.name.to_string(),
            title: f.service(line.name.as_str()),
            version: match &line.flavour {
                Some(flavour) => format!("{flavour} {}", line.version),
                None => line.version.clone(),
            },
            state: State::of(f.lang, line),
            loading,
            left: loading.and(line.seconds_left).map(|s| f.t1("time-left", "span", f.span(&s))),
            note,
            details,
            optional: line.optional,
            wanted: line.wanted,
            unavailable: line.unavailable.is_some(),
        }
    }
}

/// What every box runs; the rest of the catalog is the owner's choice.
pub const STANDARD: [&str; 3] = ["bitcoind", "electrs", "lnd"];

/// The line of an optional service that is not part of the box: all that is known of it stands in the catalog.
pub fn not_chosen(update: &UpdateView) -> ServiceLine {
    ServiceLine {
        name: update.name.clone(),
        flavour: None,
        version: update.offered.clone(),
        wanted: false,
        optional: true,
        health: Health::Waiting,
        unavailable: update.unavailable.clone().or(update.revoked.clone()),
        seconds_left: None,
        note: None,
    }
}

/// The one sentence that matters now, as core wrote it.
fn english(line: &ServiceLine) -> Option<String> {
    match (&line.unavailable, &line.health) {
        (Some(reason), _) => Some(reason.clone()),
        (None, Health::Bad { sentence }) if line.wanted => Some(sentence.clone()),
        (None, Health::Good) => None, // that it runs as wanted is no remark: the badge says it
        _ => line.note.clone(),
    }
}

fn general(f: &Frame, line: &ServiceLine) -> String {
    match (&line.unavailable, &line.health) {
        (Some(_), _) => f.t("note-unavailable"),
        (None, Health::Bad { .. }) if line.wanted => f.t("note-bad"),
        (None, health) => f.pick("note", health.word()),
    }
}
