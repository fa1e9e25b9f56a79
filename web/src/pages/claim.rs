//! `/claim`: the one-time code from the console opens the wizard.

use askama::Template;
use axum::{Form, extract::State};
use flashnode_core::{setup::Step, types::Secret};
use serde::Deserialize;

use crate::{
    error::{Failure, Result, Told},
    state::Shared,
    view::{Frame, From, View},
};

/// The page.
#[derive(Template)]
#[template(path = "setup/claim.html")]
pub struct ClaimPage {
    f: Frame,
    told: Option<Told>,
}
plain_pages!(ClaimPage);

/// The form.
#[derive(Debug, Deserialize)]
pub struct ClaimForm {
    code: Secret<String>,
}

/// `GET /claim`.
pub async fn page(State(web): State<Shared>, view: View) -> Result {
    if web.app.setup()?.view().await?.step == Step::Done {
        return Err(Failure::to("/"));
    }
    view.render(&ClaimPage { f: view.frame.clone(), told: None })
}

/// `POST /claim`.
pub async fn enter(State(web): State<Shared>, from: From, view: View, Form(form): Form<ClaimForm>) -> Result {
    let claimed = async {
        web.may_claim(from.0.address)?;
        web.app.setup()?.claim(&form.code, &from.0).await
    };
    match claimed.await {
        Ok(new) => Ok(super::enter(&web, &new, "/setup")),
        Err(error) => view.again(error, |f, told| ClaimPage { f, told: Some(told) }),
    }
}
