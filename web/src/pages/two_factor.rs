//! `/settings/two-factor`: a code from an authenticator beside the password, and ten codes for the day it is lost.

use askama::Template;
use axum::{Form, extract::State};
use flashnode_core::{access::TotpSetup, types::Secret};
use serde::Deserialize;

use crate::{
    error::{Failure, Result, Told},
    parts::qr,
    state::Shared,
    view::{Frame, View, Who},
};

/// On or off, and what it is.
#[derive(Template)]
#[template(path = "settings/two_factor.html")]
pub struct TwoFactorPage {
    f: Frame,
    on: bool,
}

/// A press before something changes.
#[derive(Template)]
#[template(path = "settings/two_factor_ask.html")]
pub struct AskPage {
    f: Frame,
    off: bool,
}

/// The secret to scan; after a wrong code it is no longer at hand and only the field is shown.
#[derive(Template)]
#[template(path = "settings/two_factor_scan.html")]
pub struct ScanPage {
    f: Frame,
    told: Option<Told>,
    scan: Option<(String, TotpSetup)>,
}

/// The ten codes, shown this once.
#[derive(Template)]
#[template(path = "settings/two_factor_codes.html")]
pub struct CodesPage {
    f: Frame,
    codes: Vec<Secret<String>>,
}
plain_pages!(TwoFactorPage, AskPage, ScanPage, CodesPage);

/// A code.
#[derive(Debug, Deserialize)]
pub struct CodeForm {
    code: String,
}

/// `GET /settings/two-factor`.
pub async fn page(who: Who, view: View) -> Result {
    view.render(&TwoFactorPage { f: view.frame.clone(), on: who.session.totp })
}

/// `GET /settings/two-factor/start`.
pub async fn ask(view: View) -> Result {
    view.render(&AskPage { f: view.frame.clone(), off: false })
}

/// `POST /settings/two-factor/start`: a new secret. Nothing counts until a code from it is confirmed.
pub async fn start(State(web): State<Shared>, who: Who, view: View) -> Result {
    let setup = web.app.access()?.start_totp(&who.session).await?;
    let scan = Some((qr::svg(setup.uri.expose()), setup));
    view.render(&ScanPage { f: view.frame.clone(), told: None, scan })
}

/// `POST /settings/two-factor/confirm`.
pub async fn confirm(State(web): State<Shared>, who: Who, view: View, Form(form): Form<CodeForm>) -> Result {
    match web.app.access()?.confirm_totp(&who.session, form.code.trim()).await {
        Ok(codes) => {
            web.record(&who.actor, "totp_on", &who.session.name, "Sign-in asks for a second factor now.")
                .await;
            view.render(&CodesPage { f: view.frame.clone(), codes })
        }
        Err(error) => view.again(error, |f, told| ScanPage { f, told: Some(told), scan: None }),
    }
}

/// `GET /settings/two-factor/off`.
pub async fn ask_off(view: View) -> Result {
    view.render(&AskPage { f: view.frame.clone(), off: true })
}

/// `POST /settings/two-factor/off`.
pub async fn off(State(web): State<Shared>, who: Who) -> Result {
    web.app.access()?.disable_totp(&who.session).await?;
    web.record(&who.actor, "totp_off", &who.session.name, "Sign-in asks for the password alone now.").await;
    Err(Failure::to("/settings/two-factor"))
}
