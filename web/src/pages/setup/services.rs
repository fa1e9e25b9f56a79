//! `/setup/services`: the flavour of bitcoind, how much disk it may take, and what else runs.

use askama::Template;
use axum::{Form, extract::State};
use flashnode_core::{
    ask,
    control::{DiskView, Flavour, Request, ServiceChoice, UpdateView},
    setup::{SetupView, Step},
    types::ServiceName,
};
use serde::Deserialize;

use super::{Crumb, crumbs, reached};
use crate::{
    error::{Failure, Result, Told},
    parts::line::{Line, STANDARD, not_chosen},
    state::Shared,
    view::{Frame, View, Who},
};

/// What a whole mainnet chain with its indexes takes, in bytes, with room for a year: measured 2026.
const WHOLE_CHAIN: u64 = 1_000 << 30;

/// The page.
#[derive(Template)]
#[template(path = "setup/services.html")]
pub struct ServicesPage {
    f: Frame,
    crumbs: Vec<Crumb>,
    told: Option<Told>,
    knots: bool,
    prune_gib: Option<u64>,
    offered: Vec<(Line, bool)>,
    disk: DiskView,
    tight: bool,
    test_money: bool,
}
plain_pages!(ServicesPage);

/// The form. Each optional service is a field of its own, `with.NAME`; a box not ticked is not sent.
#[derive(Debug, Deserialize)]
pub struct ServicesForm {
    flavour: Flavour,
    #[serde(default)]
    prune: Option<String>,
    #[serde(default)]
    prune_gib: Option<u64>,
    #[serde(flatten)]
    rest: std::collections::BTreeMap<String, String>,
}

impl ServicesForm {
    fn choice(&self) -> ServiceChoice {
        let optional =
            self.rest.keys().filter_map(|key| key.strip_prefix("with.")?.parse::<ServiceName>().ok());
        ServiceChoice {
            bitcoind_flavour: self.flavour,
            prune_mib: self.prune.as_ref().map(|_| self.prune_gib.unwrap_or(50).clamp(1, 100_000) * 1024),
            optional: optional.collect(),
        }
    }
}

/// Before set-up nothing is wanted, so the catalog says what there is to choose from.
async fn offered(web: &Shared, who: &Who, f: &Frame, chosen: &[ServiceName]) -> Result<Vec<(Line, bool)>> {
    let updates = ask!(web.app.control(), &who.actor, Request::Updates => Updates)?;
    let optional = updates.into_iter().filter(|update| !STANDARD.contains(&update.name.as_str()));
    let line = |update: UpdateView| (Line::new(f, &not_chosen(&update)), chosen.contains(&update.name));
    Ok(optional.map(line).collect())
}

async fn draw(
    web: &Shared,
    who: &Who,
    f: Frame,
    setup: &SetupView,
    told: Option<Told>,
) -> Result<ServicesPage> {
    let status = web.status().await?;
    let choice = setup.services.as_ref();
    let chosen = choice.map(|choice| choice.optional.as_slice()).unwrap_or_default();
    let test_money = setup.network.is_some_and(|n| !n.is_real_money());
    Ok(ServicesPage {
        crumbs: crumbs(Step::Services),
        told,
        knots: choice.is_none_or(|c| c.bitcoind_flavour == Flavour::Knots),
        prune_gib: choice.and_then(|c| c.prune_mib).map(|mib| mib / 1024),
        offered: offered(web, who, &f, chosen).await?,
        disk: status.disk,
        tight: !test_money && status.disk.total > 0 && status.disk.free < WHOLE_CHAIN,
        test_money,
        f,
    })
}

/// `GET /setup/services`.
pub async fn page(State(web): State<Shared>, who: Who, view: View) -> Result {
    let setup = reached(&web, Step::Services).await?;
    view.render(&draw(&web, &who, view.frame.clone(), &setup, None).await?)
}

/// `POST /setup/services`.
pub async fn save(State(web): State<Shared>, who: Who, view: View, Form(form): Form<ServicesForm>) -> Result {
    let mut setup = reached(&web, Step::Services).await?;
    let choice = form.choice();
    match web.app.setup()?.services(&who.session, choice.clone()).await {
        Ok(()) => Err(Failure::to("/setup/keys")),
        Err(error) => {
            setup.services = Some(choice);
            let page = draw(&web, &who, view.frame.clone(), &setup, None).await?;
            view.again(error, |_, told| ServicesPage { told: Some(told), ..page })
        }
    }
}
