//! The five states of a service. Loading is not failure.

pub mod progress;

use serde::{Deserialize, Serialize};

/// How a service is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "health")]
pub enum Health {
    /// Not wanted, or something it needs does not answer yet.
    Waiting,
    /// It runs and does not answer yet.
    Starting,
    /// It answers and is still catching up.
    Loading {
        /// How far, in hundredths of a percent (9730 is 97.30 %).
        basis_points: u16,
    },
    /// It does its work.
    Good,
    /// It does not, and this sentence says why.
    Bad {
        /// The reason.
        sentence: String,
    },
}

impl Health {
    /// Whether dependants may start: it answers.
    pub fn answers(&self) -> bool {
        matches!(self, Health::Loading { .. } | Health::Good)
    }

    /// Loading at `done` of `total`.
    pub fn loading(done: u64, total: u64) -> Self {
        let points = done.min(total).saturating_mul(10_000).checked_div(total).unwrap_or(0);
        Health::Loading { basis_points: u16::try_from(points).unwrap_or(10_000) }
    }

    /// The word that goes to JSON, pages and metrics.
    pub const fn word(&self) -> &'static str {
        match self {
            Health::Waiting => "waiting",
            Health::Starting => "starting",
            Health::Loading { .. } => "loading",
            Health::Good => "good",
            Health::Bad { .. } => "bad",
        }
    }
}
