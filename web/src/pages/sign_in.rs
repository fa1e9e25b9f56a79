//! `/sign-in` and `/sign-out`. Name and password first; a code only for those who have a second factor.

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::{IntoResponse, Redirect},
};
use flashnode_core::{access::SignIn, setup::Step, types::Secret};
use serde::Deserialize;

use crate::{
    error::{Failure, Result, Told},
    guard::{cookies, safe_back},
    state::{Shared, actor, failed_try, tried_name, visitor},
    view::{Frame, From, View, Who},
};

/// The page. Asking for the code, it asks for the password again: a password does not travel back to a browser.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage {
    f: Frame,
    told: Option<Told>,
    name: String,
    back: String,
    code: bool,
}
plain_pages!(SignInPage);

/// The form.
#[derive(Debug, Deserialize)]
pub struct SignInForm {
    name: String,
    password: Secret<String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    back: Option<String>,
}

/// Where to go afterwards.
#[derive(Debug, Deserialize)]
pub struct Back {
    /// A path of ours; anything else means home.
    #[serde(default)]
    pub back: Option<String>,
}

/// `GET /sign-in`.
pub async fn page(State(web): State<Shared>, Query(back): Query<Back>, view: View) -> Result {
    if web.app.setup()?.view().await?.step != Step::Done {
        return Err(Failure::to("/claim"));
    }
    if view.frame.role.is_some() {
        return Err(Failure::to(safe_back(back.back.as_deref())));
    }
    let back = safe_back(back.back.as_deref()).to_owned();
    view.render(&SignInPage { f: view.frame.clone(), told: None, name: String::new(), back, code: false })
}

/// `POST /sign-in`.
pub async fn enter(
    State(web): State<Shared>,
    from: From,
    view: View,
    Form(form): Form<SignInForm>,
) -> Result {
    let back = safe_back(form.back.as_deref()).to_owned();
    let name: String = form.name.trim().chars().take(80).collect();
    let asked = form.code.is_some();
    let code = form.code.as_deref().map(str::trim).filter(|code| !code.is_empty());
    match web.app.access()?.sign_in(&name, &form.password, code, &from.0).await {
        Ok(SignIn::Done(new)) => {
            let who = actor(&new.session, from.0.address);
            web.record(&who, "sign_in", &new.session.name, "Signed in at the pages.").await;
            Ok(super::enter(&web, &new, &back))
        }
        Ok(SignIn::NeedsCode) => {
            view.render(&SignInPage { f: view.frame.clone(), told: None, name, back, code: true })
        }
        Err(error) => {
            if failed_try(error.kind) {
                let tried = tried_name(&form.name);
                web.record(&visitor(from.0.address), "sign_in_failed", &tried, "Nobody was let in.").await;
            }
            view.again(error, |f, told| SignInPage { f, told: Some(told), name, back, code: asked })
        }
    }
}

/// `POST /sign-out`.
pub async fn leave(State(web): State<Shared>, who: Who) -> Result {
    web.app.access()?.sign_out(&who.session).await?;
    web.record(&who.actor, "sign_out", &who.session.name, "Signed out.").await;
    let mut response = Redirect::to("/sign-in").into_response();
    cookies::append(&mut response, cookies::ended(&web));
    Ok(response)
}
