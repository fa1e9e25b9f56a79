//! `/step-up`: the password once more before something dangerous. Afterwards it leads back to the page that asked,
//! never to the press itself: nothing dangerous happens without being read first.

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
};
use flashnode_core::types::Secret;
use serde::Deserialize;

use super::sign_in::Back;
use crate::{
    error::{Failure, Result, Told},
    guard::safe_back,
    state::{Shared, failed_try},
    view::{Frame, From, View, Who},
};

/// The page.
#[derive(Template)]
#[template(path = "step_up.html")]
pub struct StepUpPage {
    f: Frame,
    told: Option<Told>,
    back: String,
    totp: bool,
}
plain_pages!(StepUpPage);

/// The form.
#[derive(Debug, Deserialize)]
pub struct StepUpForm {
    password: Secret<String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    back: Option<String>,
}

/// `GET /step-up`.
pub async fn page(Query(back): Query<Back>, who: Who, view: View) -> Result {
    let back = safe_back(back.back.as_deref()).to_owned();
    view.render(&StepUpPage { f: view.frame.clone(), told: None, back, totp: who.session.totp })
}

/// `POST /step-up`.
pub async fn enter(
    State(web): State<Shared>,
    who: Who,
    from: From,
    view: View,
    Form(form): Form<StepUpForm>,
) -> Result {
    let back = safe_back(form.back.as_deref()).to_owned();
    let code = form.code.as_deref().map(str::trim).filter(|code| !code.is_empty());
    match web.app.access()?.step_up(&who.session, &form.password, code, &from.0).await {
        Ok(()) => {
            web.record(
                &who.actor,
                "step_up",
                &who.session.name,
                "Dangerous actions are open for five minutes.",
            )
            .await;
            Err(Failure::to(back))
        }
        Err(error) => {
            if failed_try(error.kind) {
                web.record(&who.actor, "step_up_failed", &who.session.name, "Wrong password or code.").await;
            }
            let totp = who.session.totp;
            view.again(error, |f, told| StepUpPage { f, told: Some(told), back, totp })
        }
    }
}
