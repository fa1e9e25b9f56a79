//! `POST /api/v1/reset-password`: from the console. Keeps every bit of data, ends the person's sessions,
//! clears throttles, turns the second factor off.

use axum::{Json, extract::State, response::IntoResponse};
use flashnode_core::types::Secret;
use serde::Deserialize;
use serde_json::json;

use super::Body;
use crate::{error::Result, state::Shared};

/// Whose, and the new one.
#[derive(Debug, Deserialize)]
pub struct Ask {
    name: String,
    password: Secret<String>,
}

/// The handler.
pub async fn post(State(web): State<Shared>, Body(ask): Body<Ask>) -> Result {
    web.app.access()?.reset_password(&ask.name, &ask.password).await?;
    Ok(Json(json!({})).into_response())
}
