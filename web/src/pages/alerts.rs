//! `/alerts`: what went wrong, standing or over, until somebody has seen it.

use askama::Template;
use axum::{Form, extract::State};
use flashnode_core::{ask, control::Request};
use serde::Deserialize;

use crate::{
    error::{Failure, Result},
    parts::alarm::AlarmCard,
    state::Shared,
    view::{Frame, View, Who},
};

/// The page.
#[derive(Template)]
#[template(path = "alerts.html", blocks = ["live"])]
pub struct AlertsPage {
    open: Vec<AlarmCard>,
    seen: Vec<AlarmCard>,
    f: Frame,
}
live_pages!(AlertsPage);

/// Which alarm was seen.
#[derive(Debug, Deserialize)]
pub struct SeenForm {
    id: i64,
}

/// `GET /alerts`.
pub async fn page(State(web): State<Shared>, who: Who, view: View) -> Result {
    let f = view.frame.clone();
    let alarms = ask!(web.app.control(), &who.actor, Request::Alarms => Alarms)?;
    let (seen, open) =
        alarms.iter().map(|alarm| AlarmCard::new(&f, alarm)).partition(|card: &AlarmCard| card.seen);
    view.render(&AlertsPage { open, seen, f })
}

/// `POST /alerts`.
pub async fn acknowledge(State(web): State<Shared>, who: Who, Form(form): Form<SeenForm>) -> Result {
    ask!(web.app.control(), &who.actor, Request::Acknowledge { id: form.id } => Done)?;
    web.forget().await;
    Err(Failure::to("/alerts"))
}
