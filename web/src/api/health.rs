//! `GET /api/v1/health`: whether this process answers. It says nothing about services: anyone may ask.

use axum::{Json, extract::State};
use serde::Serialize;

use crate::state::Shared;

/// The answer.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// Always `good`: a process that is not does not answer.
    pub health: &'static str,
    /// Whether the master key is missing.
    pub locked: bool,
}

/// The handler.
pub async fn get(State(web): State<Shared>) -> Json<Answer> {
    Json(Answer { health: "good", locked: web.app.locked() })
}
