//! `/setup/recovery`: the passphrase that unlocks the box when its own key file is gone. One is made when none is given.

use askama::Template;
use axum::{Form, extract::State};
use flashnode_core::{error::Error, setup::Step, types::Secret};
use serde::Deserialize;

use super::{Crumb, crumbs, reached};
use crate::{
    error::{Failure, Result, Told},
    state::Shared,
    view::{Frame, View, Who},
};

/// The question.
#[derive(Template)]
#[template(path = "setup/recovery.html")]
pub struct RecoveryPage {
    f: Frame,
    crumbs: Vec<Crumb>,
    told: Option<Told>,
}

/// The generated code, shown this once.
#[derive(Template)]
#[template(path = "setup/recovery_code.html")]
pub struct CodePage {
    f: Frame,
    crumbs: Vec<Crumb>,
    code: Secret<String>,
}
plain_pages!(RecoveryPage, CodePage);

/// The form.
#[derive(Debug, Deserialize)]
pub struct RecoveryForm {
    way: String,
    #[serde(default)]
    passphrase: Option<Secret<String>>,
    #[serde(default)]
    again: Option<Secret<String>>,
}

/// `GET /setup/recovery`.
pub async fn page(State(web): State<Shared>, view: View) -> Result {
    reached(&web, Step::Recovery).await?;
    view.render(&RecoveryPage { f: view.frame.clone(), crumbs: crumbs(Step::Recovery), told: None })
}

/// `POST /setup/recovery`.
pub async fn save(State(web): State<Shared>, who: Who, view: View, Form(form): Form<RecoveryForm>) -> Result {
    let asked = match form.way.as_str() {
        "code" => Ok(None),
        _ if form.passphrase == form.again => Ok(Some(form.passphrase.unwrap_or(Secret::new(String::new())))),
        _ => {
            Err(Error::invalid("The two passphrases differ. Type the same one twice.").keyed("error-differ"))
        }
    };
    let done = match asked {
        Ok(passphrase) => web.app.setup()?.recovery(&who.session, passphrase).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(None) => Err(Failure::to("/setup/summary")),
        Ok(Some(code)) => {
            view.render(&CodePage { f: view.frame.clone(), crumbs: crumbs(Step::Recovery), code })
        }
        Err(error) => {
            view.again(error, |f, told| RecoveryPage { f, crumbs: crumbs(Step::Recovery), told: Some(told) })
        }
    }
}
