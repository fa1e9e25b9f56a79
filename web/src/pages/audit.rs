//! `/audit`: who did what from where, and whether the record is whole.

use askama::Template;
use axum::extract::{Query, State};
use flashnode_core::{ask, control::Request};
use serde::Deserialize;

use crate::{
    error::Result,
    parts::alarm::Deed,
    state::Shared,
    view::{Frame, View, Who},
};

/// The outcome of a check: how many entries, and the first that does not fit.
type Verified = (u64, Option<i64>);

/// The page.
#[derive(Template)]
#[template(path = "audit.html")]
pub struct AuditPage {
    deeds: Vec<Deed>,
    older: Option<i64>,
    newest: bool,
    verified: Option<Verified>,
    f: Frame,
}
plain_pages!(AuditPage);

/// Entries on a page.
const PAGE: usize = 50;

/// Where the page begins.
#[derive(Debug, Default, Deserialize)]
pub struct Before {
    #[serde(default)]
    before: Option<i64>,
}

async fn draw(
    web: &Shared,
    who: &Who,
    f: Frame,
    before: Option<i64>,
    verified: Option<Verified>,
) -> Result<AuditPage> {
    let entries = ask!(web.app.control(), &who.actor, Request::Audit { before, limit: PAGE } => Audit)?;
    let full = entries.len() == PAGE;
    Ok(AuditPage {
        older: entries.last().filter(|last| full && last.seq > 1).map(|last| last.seq),
        deeds: entries.iter().map(|entry| Deed::new(f.lang, entry)).collect(),
        newest: before.is_none(),
        verified,
        f,
    })
}

/// `GET /audit`.
pub async fn page(State(web): State<Shared>, Query(at): Query<Before>, who: Who, view: View) -> Result {
    view.render(&draw(&web, &who, view.frame.clone(), at.before, None).await?)
}

/// `POST /audit`: recomputes the chain. It changes nothing, but it is work, so it is not a link.
pub async fn verify(State(web): State<Shared>, who: Who, view: View) -> Result {
    let verified = match web.app.control().ask(&who.actor, Request::VerifyAudit).await? {
        flashnode_core::control::Reply::Verified { entries, broken_at } => (entries, broken_at),
        other => return Err(flashnode_core::control::unexpected(&other).into()),
    };
    view.render(&draw(&web, &who, view.frame.clone(), None, Some(verified)).await?)
}
