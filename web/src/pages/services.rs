//! `/services`: every service of the catalog, running or not.

use askama::Template;
use axum::extract::State;
use flashnode_core::control::DiskView;

use crate::{
    error::Result,
    parts::line::Line,
    state::Shared,
    view::{Frame, View},
};

/// The page.
#[derive(Template)]
#[template(path = "services/list.html", blocks = ["live"])]
pub struct ServicesPage {
    f: Frame,
    running: Vec<Line>,
    rest: Vec<Line>,
    runtime: String,
    disk: DiskView,
    full: u64,
    generation: i64,
}
live_pages!(ServicesPage);

/// `GET /services`.
pub async fn page(State(web): State<Shared>, view: View) -> Result {
    let f = view.frame.clone();
    let status = web.status().await?;
    let (running, rest) =
        status.services.iter().map(|line| Line::new(&f, line)).partition(|line: &Line| line.wanted);
    let used = status.disk.total.saturating_sub(status.disk.free);
    view.render(&ServicesPage {
        f,
        running,
        rest,
        runtime: status.runtime,
        disk: status.disk,
        full: used.saturating_mul(1000).checked_div(status.disk.total).unwrap_or(0),
        generation: status.generation.0,
    })
}
