//! `POST /api/v1/reset-password`: from the console. Keeps every bit of data, ends the person's sessions,
//! clears throttles, turns the second factor off.

use axum::{Json, extract::State, response::IntoResponse};
use flashnode_core::{control::Actor, types::Secret};
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
    // The pages cannot speak as the console; that a person at the machine did it is said in the words.
    let actor = Actor { who: "app".to_owned(), from: "console.sock".to_owned() };
    web.record(&actor, "password_reset", &ask.name, "Reset at the box's own console.").await;
    Ok(Json(json!({})).into_response())
}
