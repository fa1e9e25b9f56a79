//! `/setup/keys` shows the 24 words, `/setup/confirm` asks for four of them.
//! A reload shows the same words again; once confirmed, nothing shows them ever again.

use std::collections::BTreeMap;

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

/// The words.
#[derive(Template)]
#[template(path = "setup/keys.html")]
pub struct KeysPage {
    f: Frame,
    crumbs: Vec<Crumb>,
    words: Vec<Secret<String>>,
    test_money: bool,
}

/// The question.
#[derive(Template)]
#[template(path = "setup/confirm.html")]
pub struct ConfirmPage {
    f: Frame,
    crumbs: Vec<Crumb>,
    told: Option<Told>,
    positions: Vec<u8>,
}
plain_pages!(KeysPage, ConfirmPage);

/// The answers: fields `word.POSITION`.
#[derive(Debug, Deserialize)]
pub struct ConfirmForm {
    #[serde(flatten)]
    rest: BTreeMap<String, Secret<String>>,
}

impl ConfirmForm {
    fn answers(self) -> Vec<(u8, Secret<String>)> {
        let clean = |word: Secret<String>| Secret::new(word.expose().trim().to_lowercase());
        self.rest
            .into_iter()
            .filter_map(|(key, word)| Some((key.strip_prefix("word.")?.parse().ok()?, clean(word))))
            .collect()
    }
}

/// `GET /setup/keys`.
pub async fn page(State(web): State<Shared>, who: Who, view: View) -> Result {
    let setup = reached(&web, Step::Keys).await?;
    let words = web.app.setup()?.words(&who.session).await?;
    let test_money = setup.network.is_some_and(|n| !n.is_real_money());
    view.render(&KeysPage { f: view.frame.clone(), crumbs: crumbs(Step::Keys), words, test_money })
}

/// `GET /setup/confirm`.
pub async fn ask(State(web): State<Shared>, who: Who, view: View) -> Result {
    reached(&web, Step::Confirm).await?;
    let positions = web.app.setup()?.challenge(&who.session).await?;
    view.render(&ConfirmPage { f: view.frame.clone(), crumbs: crumbs(Step::Confirm), told: None, positions })
}

/// `POST /setup/confirm`.
pub async fn confirm(
    State(web): State<Shared>,
    who: Who,
    view: View,
    Form(form): Form<ConfirmForm>,
) -> Result {
    let mut answers = form.answers();
    answers.sort_by_key(|(position, _)| *position);
    match web.app.setup()?.confirm(&who.session, answers).await {
        Ok(()) => Err(Failure::to("/setup/recovery")),
        Err(error) => {
            let positions = web.app.setup()?.challenge(&who.session).await?;
            let crumbs = crumbs(Step::Confirm);
            view.again(error, |f, told| ConfirmPage { f, crumbs, told: Some(told), positions })
        }
    }
}
