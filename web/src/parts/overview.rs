//! One sentence on the whole box, for three seconds of attention. Pure: (status, language) → words.

use flashnode_core::{
    control::{DiskView, StatusView},
    node::health::Health,
};

use crate::{i18n::format, view::Frame};

/// The headline of the box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// `good`, `info`, `warn` or `bad`.
    pub class: &'static str,
    /// The icon.
    pub icon: &'static str,
    /// The sentence.
    pub title: String,
    /// A second one, with what to do.
    pub more: String,
    /// The service that takes longest: title, hundredths of a percent, time left.
    pub progress: Option<(String, u16, Option<String>)>,
}

impl Overview {
    /// What to say about this box. The first that applies wins.
    pub fn new(f: &Frame, status: Option<&StatusView>) -> Self {
        let Some(status) = status else { return Self::say(f, "bad", "warn", "silent", 0) };
        let wanted = || status.services.iter().filter(|s| s.wanted && s.unavailable.is_none());
        let bad = wanted().filter(|s| matches!(s.health, Health::Bad { .. })).count();
        let good = wanted().filter(|s| s.health == Health::Good).count();
        let mut overview = if status.rescue.is_some() {
            Self::say(f, "bad", "warn", "rescue", 0)
        } else if !status.alarms.is_empty() {
            Self::say(f, "bad", "warn", "alarms", status.alarms.len())
        } else if bad > 0 {
            Self::say(f, "bad", "warn", "bad", bad)
        } else if wanted().any(|s| matches!(s.health, Health::Loading { .. })) {
            Self::say(f, "info", "clock", "loading", good)
        } else if good < wanted().count() {
            Self::say(f, "info", "clock", "starting", good)
        } else {
            Self::say(f, "good", "check", "good", good)
        };
        overview.progress = slowest(f, status);
        overview
    }

    fn say(f: &Frame, class: &'static str, icon: &'static str, word: &str, n: usize) -> Self {
        Self {
            class,
            icon,
            title: f.t1(&format!("overview-{word}"), "n", n),
            more: f.t1(&format!("overview-{word}-more"), "n", n),
            progress: None,
        }
    }
}

/// The box in three numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// Services that are wanted and can be had.
    pub wanted: usize,
    /// How many of them are good.
    pub good: usize,
    /// Space.
    pub disk: DiskView,
}

impl Glance {
    /// The numbers of this box.
    pub fn new(status: &StatusView) -> Self {
        let wanted = || status.services.iter().filter(|s| s.wanted && s.unavailable.is_none());
        let good = wanted().filter(|s| s.health == Health::Good).count();
        Self { wanted: wanted().count(), good, disk: status.disk }
    }
}

fn slowest(f: &Frame, status: &StatusView) -> Option<(String, u16, Option<String>)> {
    let loading = status.services.iter().filter(|s| s.wanted).filter_map(|s| match s.health {
        Health::Loading { basis_points } => Some((basis_points, s)),
        _ => None,
    });
    let (basis_points, line) = loading.min_by_key(|(basis_points, _)| *basis_points)?;
    let left = line.seconds_left.map(|s| f.t1("time-left", "span", f.span(&s)));
    let percent = format::percent(f.lang, basis_points);
    let title = f.t2("overview-progress", "service", f.service(line.name.as_str()), "percent", percent);
    Some((title, basis_points, left))
}
