//! `POST /api/v1/setup`: the wizard in one go, from the console. Repeatable after a crash, refused once set up.

use axum::{Json, extract::State, response::IntoResponse};
use flashnode_core::setup::Unattended;

use super::Body;
use crate::{error::Result, state::Shared};

/// The handler: `Unattended` in, `UnattendedDone` out.
pub async fn post(State(web): State<Shared>, Body(ask): Body<Unattended>) -> Result {
    let done = web.app.setup()?.unattended(ask).await?;
    web.forget().await;
    Ok(Json(done).into_response())
}
