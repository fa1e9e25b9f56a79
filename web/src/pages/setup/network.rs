//! `/setup/network`: which Bitcoin network the box lives on, once and for all.

use askama::Template;
use axum::{Form, extract::State};
use flashnode_core::{setup::Step, types::Network};
use serde::Deserialize;

use super::{Crumb, crumbs, reached};
use crate::{
    error::{Failure, Result, Told},
    state::Shared,
    view::{Frame, View, Who},
};

/// The page.
#[derive(Template)]
#[template(path = "setup/network.html")]
pub struct NetworkPage {
    f: Frame,
    crumbs: Vec<Crumb>,
    told: Option<Told>,
    networks: [Network; 4],
    chosen: Network,
}
plain_pages!(NetworkPage);

impl NetworkPage {
    fn new(f: Frame, told: Option<Told>, chosen: Network) -> Self {
        Self { f, crumbs: crumbs(Step::Network), told, networks: Network::ALL, chosen }
    }
}

/// The form.
#[derive(Debug, Deserialize)]
pub struct NetworkForm {
    network: Network,
}

/// `GET /setup/network`.
pub async fn page(State(web): State<Shared>, view: View) -> Result {
    let chosen = reached(&web, Step::Network).await?.network;
    let suggested = match chosen {
        Some(chosen) => chosen,
        None => web.status().await.ok().and_then(|s| s.network).unwrap_or(Network::Mainnet),
    };
    view.render(&NetworkPage::new(view.frame.clone(), None, suggested))
}

/// `POST /setup/network`.
pub async fn save(State(web): State<Shared>, who: Who, view: View, Form(form): Form<NetworkForm>) -> Result {
    match web.app.setup()?.network(&who.session, form.network).await {
        Ok(()) => Err(Failure::to("/setup/services")),
        Err(error) => view.again(error, |f, told| NetworkPage::new(f, Some(told), form.network)),
    }
}
