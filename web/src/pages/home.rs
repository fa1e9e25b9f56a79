//! `/`: one sentence on the whole box, what needs the person, services, what happened lately.

use askama::Template;
use axum::extract::State;
use flashnode_core::{ask, control::Request};

use crate::{
    error::Result,
    parts::{
        alarm::{AlarmCard, Deed},
        line::Line,
        overview::{Glance, Overview},
    },
    state::Shared,
    view::{Frame, View, Who},
};

/// The page.
#[derive(Template)]
#[template(path = "home.html", blocks = ["live"])]
pub struct HomePage {
    overview: Overview,
    glance: Option<Glance>,
    tasks: Vec<AlarmCard>,
    lines: Vec<Line>,
    deeds: Vec<Deed>,
    f: Frame,
}
live_pages!(HomePage);

/// How many recent deeds are shown.
const LATELY: usize = 6;

/// `GET /`.
pub async fn page(State(web): State<Shared>, who: Who, view: View) -> Result {
    let f = view.frame.clone();
    let status = web.status().await.ok();
    let entries = match f.operator() {
        true => lately(&web, &who).await.unwrap_or_default(),
        false => Vec::new(),
    };
    let services = status.iter().flat_map(|s| &s.services).filter(|s| s.wanted);
    view.render(&HomePage {
        overview: Overview::new(&f, status.as_ref()),
        glance: status.as_ref().map(Glance::new),
        tasks: status.iter().flat_map(|s| &s.alarms).map(|alarm| AlarmCard::new(&f, alarm)).collect(),
        lines: services.map(|line| Line::new(&f, line)).collect(),
        deeds: entries.iter().map(|entry| Deed::new(f.lang, entry)).collect(),
        f,
    })
}

async fn lately(web: &Shared, who: &Who) -> flashnode_core::error::Result<Vec<flashnode_core::audit::Entry>> {
    ask!(web.app.control(), &who.actor, Request::Audit { before: None, limit: LATELY } => Audit)
}
