//! `/setup/owner`: the name and password of the person who owns the box.

use askama::Template;
use axum::{Form, extract::State};
use flashnode_core::{setup::Step, types::Secret};
use serde::Deserialize;

use super::{Crumb, crumbs, reached};
use crate::{
    error::{Failure, Result, Told},
    state::Shared,
    view::{Frame, View, Who},
};

/// The page.
#[derive(Template)]
#[template(path = "setup/owner.html")]
pub struct OwnerPage {
    f: Frame,
    crumbs: Vec<Crumb>,
    told: Option<Told>,
    name: String,
}
plain_pages!(OwnerPage);

/// The form.
#[derive(Debug, Deserialize)]
pub struct OwnerForm {
    name: String,
    password: Secret<String>,
}

/// `GET /setup/owner`.
pub async fn page(State(web): State<Shared>, view: View) -> Result {
    let name = reached(&web, Step::Owner).await?.owner.unwrap_or_default();
    view.render(&OwnerPage { f: view.frame.clone(), crumbs: crumbs(Step::Owner), told: None, name })
}

/// `POST /setup/owner`.
pub async fn save(State(web): State<Shared>, who: Who, view: View, Form(form): Form<OwnerForm>) -> Result {
    match web.app.setup()?.owner(&who.session, form.name.trim(), &form.password).await {
        Ok(()) => Err(Failure::to("/setup/network")),
        Err(error) => view.again(error, |f, told| OwnerPage {
            f,
            crumbs: crumbs(Step::Owner),
            told: Some(told),
            name: form.name.chars().take(80).collect(),
        }),
    }
}
