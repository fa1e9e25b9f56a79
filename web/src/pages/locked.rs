//! `/locked`: the one page of a box whose master key is not at hand.

use askama::Template;
use axum::{Form, extract::State};
use flashnode_core::{
    ask,
    control::{Actor, Request},
    types::Secret,
};
use serde::Deserialize;

use crate::{
    error::{Failure, Result, Told},
    state::Shared,
    view::{Frame, From, View},
};

/// The page; `opening` once the passphrase was right and the pages are about to come back.
#[derive(Template)]
#[template(path = "locked.html")]
pub struct LockedPage {
    f: Frame,
    told: Option<Told>,
    opening: bool,
}
plain_pages!(LockedPage);

/// The form.
#[derive(Debug, Deserialize)]
pub struct UnlockForm {
    passphrase: Secret<String>,
}

/// `GET /locked`.
pub async fn page(State(web): State<Shared>, view: View) -> Result {
    if !web.app.locked() {
        return Err(Failure::to("/"));
    }
    view.render(&LockedPage { f: view.frame.clone(), told: None, opening: false })
}

/// `POST /locked`.
pub async fn unlock(
    State(web): State<Shared>,
    from: From,
    view: View,
    Form(form): Form<UnlockForm>,
) -> Result {
    if !web.app.locked() {
        return Err(Failure::to("/"));
    }
    let actor = Actor { who: "visitor".to_owned(), from: from.0.address.to_string() };
    let done = async {
        web.may_unlock(from.0.address)?;
        ask!(web.app.control(), &actor, Request::Unlock { passphrase: form.passphrase } => Done)
    };
    match done.await {
        Ok(()) => view.render(&LockedPage { f: view.frame.clone(), told: None, opening: true }),
        Err(error) => view.again(error, |f, told| LockedPage { f, told: Some(told), opening: false }),
    }
}
