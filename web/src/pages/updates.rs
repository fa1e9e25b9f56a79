//! `/updates`: what runs against what the catalog offers. A change is staged, read, then applied or dropped.

use askama::Template;
use axum::{Form, extract::State};
use flashnode_core::{
    ask,
    control::{Change, Request, StagedView, UpdateView},
    types::ServiceName,
};
use serde::Deserialize;

use crate::{
    error::{Failure, Result, Told},
    parts::line::{Line, STANDARD, State as Badge, not_chosen},
    state::Shared,
    view::{Frame, View, Who},
};

/// A service against its catalog entry.
#[derive(Clone, Debug)]
pub struct UpdateRow {
    name: String,
    title: String,
    pinned: String,
    offered: String,
    source: String,
    state: Badge,
    offer: bool,
    reason: Option<String>,
}

impl UpdateRow {
    fn new(f: &Frame, update: &UpdateView) -> Self {
        let state = if update.revoked.is_some() {
            Badge::new("bad", f.t("update-revoked"))
        } else if update.unavailable.is_some() {
            Badge::new("off", f.t("state-unavailable"))
        } else if update.update {
            Badge::new("info", f.t("update-offered"))
        } else {
            Badge::new("good", f.t("update-current"))
        };
        Self {
            name: update.name.to_string(),
            title: f.service(update.name.as_str()),
            pinned: update.pinned.clone(),
            offered: if update.offered.is_empty() { &update.pinned } else { &update.offered }.clone(),
            source: f.pick("source", &update.source),
            state,
            offer: update.update && update.unavailable.is_none(),
            reason: update.revoked.clone().or(update.unavailable.clone()),
        }
    }
}

/// The list.
#[derive(Template)]
#[template(path = "updates.html")]
pub struct UpdatesPage {
    rows: Vec<UpdateRow>,
    optional: Vec<Line>,
    staged: Option<StagedView>,
    told: Option<Told>,
    f: Frame,
}

/// What is staged, to be read.
#[derive(Template)]
#[template(path = "staged.html")]
pub struct StagedPage {
    staged: StagedView,
    restarts: Vec<String>,
    told: Option<Told>,
    f: Frame,
}
plain_pages!(UpdatesPage, StagedPage);

/// What to stage.
#[derive(Debug, Deserialize)]
pub struct StageForm {
    name: ServiceName,
    what: String,
}

/// What was read.
#[derive(Debug, Deserialize)]
pub struct ApplyForm {
    staged: String,
}

async fn draw(web: &Shared, who: &Who, f: Frame) -> Result<UpdatesPage> {
    let updates = ask!(web.app.control(), &who.actor, Request::Updates => Updates)?;
    let staged = ask!(web.app.control(), &who.actor, Request::Staged => Staged)?;
    let status = web.status().await?;
    // What is off has a version that nobody runs: it stands among the optional ones alone.
    let part = |update: &&UpdateView| status.services.iter().any(|s| s.name == update.name);
    let optional = updates.iter().filter(|update| !STANDARD.contains(&update.name.as_str()));
    let optional = optional.map(|update| match status.services.iter().find(|s| s.name == update.name) {
        Some(line) => Line::new(&f, line),
        None => Line::new(&f, &not_chosen(update)),
    });
    Ok(UpdatesPage {
        optional: optional.collect(),
        rows: updates.iter().filter(part).map(|update| UpdateRow::new(&f, update)).collect(),
        staged,
        told: None,
        f,
    })
}

/// `GET /updates`.
pub async fn page(State(web): State<Shared>, who: Who, view: View) -> Result {
    view.render(&draw(&web, &who, view.frame.clone()).await?)
}

/// `POST /updates`: stages.
pub async fn stage(State(web): State<Shared>, who: Who, view: View, Form(form): Form<StageForm>) -> Result {
    let change = match form.what.as_str() {
        "on" => Change::Service { name: form.name, wanted: true },
        "off" => Change::Service { name: form.name, wanted: false },
        _ => Change::Update { name: form.name },
    };
    match web.app.control().ask(&who.actor, Request::Stage { change }).await {
        Ok(_) => Err(Failure::to("/updates/staged")),
        Err(error) => {
            let page = draw(&web, &who, view.frame.clone()).await?;
            view.again(error, |_, told| UpdatesPage { told: Some(told), ..page })
        }
    }
}

fn staged_page(f: Frame, staged: StagedView, told: Option<Told>) -> StagedPage {
    let restarts = staged.restarts.iter().map(|name| f.service(name.as_str())).collect();
    StagedPage { staged, restarts, told, f }
}

/// `GET /updates/staged`.
pub async fn staged(State(web): State<Shared>, who: Who, view: View) -> Result {
    match ask!(web.app.control(), &who.actor, Request::Staged => Staged)? {
        Some(staged) => view.render(&staged_page(view.frame.clone(), staged, None)),
        None => Err(Failure::to("/updates")),
    }
}

/// `POST /updates/staged`: applies exactly what was read.
pub async fn apply(State(web): State<Shared>, who: Who, view: View, Form(form): Form<ApplyForm>) -> Result {
    let done = web.app.control().ask(&who.actor, Request::Apply { staged: form.staged }).await;
    web.forget().await;
    match done {
        Ok(_) => Err(Failure::to("/services")),
        Err(error) => match ask!(web.app.control(), &who.actor, Request::Staged => Staged)? {
            Some(staged) => view.again(error, |f, told| staged_page(f, staged, Some(told))),
            None => Err(error.into()),
        },
    }
}

/// `POST /updates/discard`.
pub async fn discard(State(web): State<Shared>, who: Who) -> Result {
    ask!(web.app.control(), &who.actor, Request::Discard => Done)?;
    Err(Failure::to("/updates"))
}
