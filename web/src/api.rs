//! JSON for the console and the command line: the same façade calls as the pages. No cookie is ever read here.

pub mod health;
pub mod reset_password;
pub mod setup;

use axum::{
    extract::{FromRequest, Request},
    http::StatusCode,
};
use serde::de::DeserializeOwned;

use crate::error::Failure;

/// A JSON body; anything else is refused in our own words.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(body)) => Ok(Body(body)),
            Err(rejection) if rejection.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                Err(Failure::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json"))
            }
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Failure::Status(StatusCode::PAYLOAD_TOO_LARGE, "too-large"))
            }
            // The text of the rejection may quote the body, and the body holds a password.
            Err(_) => Err(Failure::Status(StatusCode::UNPROCESSABLE_ENTITY, "not-json")),
        }
    }
}
