//! `/edges/EDGE/rotate`: says what restarts, then does it.

use std::str::FromStr;

use askama::Template;
use axum::extract::{Path, State};
use flashnode_core::{
    ask,
    control::{Request, RotationView},
    types::EdgeName,
};

use crate::{
    error::{Failure, Result},
    state::Shared,
    view::{Frame, View, Who},
};

/// The page.
#[derive(Template)]
#[template(path = "services/rotate.html")]
pub struct RotatePage {
    f: Frame,
    edge: String,
    consumer: String,
    provider: String,
    back: String,
    restarts: Vec<String>,
}
plain_pages!(RotatePage);

async fn rotation(web: &Shared, who: &Who, edge: &str, dry_run: bool) -> Result<RotationView> {
    let edge = EdgeName::from_str(edge).map_err(|_| Failure::not_found())?;
    Ok(ask!(web.app.control(), &who.actor, Request::Rotate { edge, dry_run } => Rotation)?)
}

/// `GET /edges/EDGE/rotate`.
pub async fn ask(State(web): State<Shared>, Path(edge): Path<String>, who: Who, view: View) -> Result {
    let plan = rotation(&web, &who, &edge, true).await?;
    let f = view.frame.clone();
    view.render(&RotatePage {
        consumer: f.service(plan.edge.consumer.as_str()),
        provider: f.service(plan.edge.provider.as_str()),
        back: format!("/services/{}", plan.edge.provider),
        restarts: plan.restarts.iter().map(|name| f.service(name.as_str())).collect(),
        edge,
        f,
    })
}

/// `POST /edges/EDGE/rotate`.
pub async fn begin(State(web): State<Shared>, Path(edge): Path<String>, who: Who) -> Result {
    rotation(&web, &who, &edge, false).await?;
    web.forget().await;
    Err(Failure::to("/edges"))
}
