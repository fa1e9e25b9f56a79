//! `/setup/summary`: everything once more; one press commits it and opens the box.

use askama::Template;
use axum::extract::State;
use flashnode_core::{
    control::Flavour,
    setup::{SetupView, Step},
};

use super::{Crumb, crumbs, reached};
use crate::{
    error::{Result, Told},
    guard::cookies,
    state::Shared,
    view::{Frame, From, View, Who},
};

/// The page.
#[derive(Template)]
#[template(path = "setup/summary.html")]
pub struct SummaryPage {
    crumbs: Vec<Crumb>,
    told: Option<Told>,
    owner: String,
    network: String,
    flavour: &'static str,
    prune: Option<String>,
    optional: Vec<String>,
    f: Frame,
}
plain_pages!(SummaryPage);

impl SummaryPage {
    fn new(f: Frame, setup: &SetupView, told: Option<Told>) -> Self {
        let choice = setup.services.as_ref();
        Self {
            crumbs: crumbs(Step::Summary),
            told,
            owner: setup.owner.clone().unwrap_or_default(),
            network: setup.network.map(|n| f.pick("network", n.as_str())).unwrap_or_default(),
            flavour: match choice.map(|c| c.bitcoind_flavour) {
                Some(Flavour::Core) => "Bitcoin Core",
                _ => "Bitcoin Knots",
            },
            prune: choice.and_then(|c| c.prune_mib).map(|mib| f.bytes(&(mib << 20))),
            optional: choice
                .map(|c| c.optional.iter().map(|n| f.service(n.as_str())).collect())
                .unwrap_or_default(),
            f,
        }
    }
}

/// The moment in which the pages themselves are replaced by ones that know the network: a page that waits, so that
/// the first thing an owner sees is not a browser's own error.
#[derive(Template)]
#[template(path = "setup/starting.html")]
pub struct StartingPage {
    f: Frame,
}
plain_pages!(StartingPage);

/// `GET /setup/summary`.
pub async fn page(State(web): State<Shared>, view: View) -> Result {
    let setup = reached(&web, Step::Summary).await?;
    view.render(&SummaryPage::new(view.frame.clone(), &setup, None))
}

/// `POST /setup/summary`.
pub async fn commit(State(web): State<Shared>, who: Who, from: From, view: View) -> Result {
    match web.app.setup()?.commit(&who.session, &from.0).await {
        Ok(new) => {
            web.forget().await;
            let mut response = view.render(&StartingPage { f: view.frame.clone() })?;
            cookies::append(&mut response, cookies::session(&web, new.token.expose()));
            Ok(response)
        }
        Err(error) => {
            let setup = web.app.setup()?.view().await?;
            view.again(error, |f, told| SummaryPage::new(f, &setup, Some(told)))
        }
    }
}
