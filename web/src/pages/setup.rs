//! The wizard's pages: one file a step. Where it stands is core's to say; a page too early sends there.

pub mod keys;
pub mod network;
pub mod owner;
pub mod recovery;
pub mod services;
pub mod summary;

use axum::extract::State;
use flashnode_core::setup::{SetupView, Step};

use crate::{
    error::{Failure, Result},
    state::Shared,
};

/// The page of a step.
pub const fn place(step: Step) -> &'static str {
    match step {
        Step::Claim | Step::Owner => "/setup/owner",
        Step::Network => "/setup/network",
        Step::Services => "/setup/services",
        Step::Keys => "/setup/keys",
        Step::Confirm => "/setup/confirm",
        Step::Recovery => "/setup/recovery",
        Step::Summary => "/setup/summary",
        Step::Done => "/",
    }
}

/// `GET /setup`: on to where it stands.
pub async fn resume(State(web): State<Shared>) -> Result {
    Err(Failure::to(place(web.app.setup()?.view().await?.step)))
}

/// Where set-up stands, when this step may be shown: it is reached, and a step back is still possible.
async fn reached(web: &Shared, step: Step) -> Result<SetupView> {
    let view = web.app.setup()?.view().await?;
    let words = |step| matches!(step, Step::Keys | Step::Confirm);
    let over = words(step) && view.step > Step::Confirm;
    if view.step == Step::Done || over || (step > view.step && !(words(step) && words(view.step))) {
        return Err(Failure::to(place(view.step)));
    }
    Ok(view)
}

/// A step in the row above the page.
#[derive(Clone, Copy, Debug)]
pub struct Crumb {
    /// Message key of its name.
    pub key: &'static str,
    /// Whether it is the one shown.
    pub now: bool,
    /// Whether it has been done.
    pub done: bool,
}

/// The row of steps with this one shown.
pub fn crumbs(shown: Step) -> Vec<Crumb> {
    let all = [
        (Step::Owner, "step-owner"),
        (Step::Network, "step-network"),
        (Step::Services, "step-services"),
        (Step::Keys, "step-keys"),
        (Step::Recovery, "step-recovery"),
        (Step::Summary, "step-summary"),
    ];
    let shown = if shown == Step::Confirm { Step::Keys } else { shown };
    all.map(|(step, key)| Crumb { key, now: step == shown, done: step < shown }).to_vec()
}
