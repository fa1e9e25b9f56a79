//! `/playground`: a regtest box's own little world: blocks on demand, coins from a faucet.

use askama::Template;
use axum::{Form, extract::State};
use flashnode_core::{
    ask,
    control::{PlaygroundOrder, PlaygroundView, Request},
    error::Result as Outcome,
};
use serde::Deserialize;

use crate::{
    error::{Failure, Result, Told},
    state::Shared,
    view::{Frame, View, Who},
};

/// The page.
#[derive(Template)]
#[template(path = "playground.html")]
pub struct PlaygroundPage {
    f: Frame,
    world: Option<PlaygroundView>,
    told: Option<Told>,
    done: Option<String>,
}
plain_pages!(PlaygroundPage);

/// How many blocks.
#[derive(Debug, Deserialize)]
pub struct MineForm {
    blocks: u32,
}

/// How much, and where to.
#[derive(Debug, Deserialize)]
pub struct FundForm {
    address: String,
    sats: u64,
}

async fn order(web: &Shared, who: &Who, order: PlaygroundOrder) -> Outcome<PlaygroundView> {
    ask!(web.app.control(), &who.actor, Request::Playground { order } => Playground)
}

/// `GET /playground`.
pub async fn page(State(web): State<Shared>, who: Who, view: View) -> Result {
    if !view.frame.regtest() {
        return Err(Failure::not_found());
    }
    let (world, told) = match order(&web, &who, PlaygroundOrder::Info).await {
        Ok(world) => (Some(world), None),
        Err(error) => (None, Some(Told::new(view.frame.lang, &error))),
    };
    view.render(&PlaygroundPage { f: view.frame.clone(), world, told, done: None })
}

async fn ordered(web: &Shared, who: &Who, view: &View, what: PlaygroundOrder, key: &str) -> Result {
    match order(web, who, what).await {
        Ok(world) => {
            let done = view.frame.t1(key, "txid", world.txid.clone().unwrap_or_default());
            let page =
                PlaygroundPage { f: view.frame.clone(), world: Some(world), told: None, done: Some(done) };
            view.render(&page)
        }
        Err(error) => {
            let world = order(web, who, PlaygroundOrder::Info).await.ok();
            view.again(error, |f, told| PlaygroundPage { f, world, told: Some(told), done: None })
        }
    }
}

/// `POST /playground/mine`.
pub async fn mine(State(web): State<Shared>, who: Who, view: View, Form(form): Form<MineForm>) -> Result {
    let what = PlaygroundOrder::Mine { blocks: form.blocks.clamp(1, 1000) };
    ordered(&web, &who, &view, what, "playground-mined").await
}

/// `POST /playground/fund`.
pub async fn fund(State(web): State<Shared>, who: Who, view: View, Form(form): Form<FundForm>) -> Result {
    let address = form.address.trim().chars().take(120).collect();
    ordered(&web, &who, &view, PlaygroundOrder::Fund { address, sats: form.sats }, "playground-funded").await
}
