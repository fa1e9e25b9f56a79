//! Errors on their way to a person: the status they have, and the sentence in the reader's language.
//! A handler returns a [`Failure`]; the page for it is drawn late, by `guard::draw_failures`, which knows the reader.

use std::sync::Arc;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use flashnode_core::error::{Error, Kind};

use crate::i18n::Lang;

/// What a handler returns.
pub type Result<T = Response> = std::result::Result<T, Failure>;

/// Why a request ends without its page.
#[derive(Clone, Debug)]
pub enum Failure {
    /// An error of the box, told in a sentence.
    Told(Arc<Error>),
    /// A status with a page of its own: 403, 404, 405, 413, 415, 421, 429.
    Status(StatusCode, &'static str),
    /// Go there instead.
    To(String),
}

impl Failure {
    /// There is no such page.
    pub const fn not_found() -> Self {
        Failure::Status(StatusCode::NOT_FOUND, "not-found")
    }

    /// Somewhere else, by GET.
    pub fn to(place: impl Into<String>) -> Self {
        Failure::To(place.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Told(Arc::new(error))
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        Error::internal("drawing a page", error).into()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = match &self {
            Failure::To(place) => return Redirect::to(place).into_response(),
            Failure::Status(status, _) => status.into_response(),
            Failure::Told(error) => status_of(error.kind).into_response(),
        };
        response.extensions_mut().insert(self);
        response
    }
}

/// The HTTP status of a kind of error.
pub const fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Kind::Locked | Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Whether a form shows this error above itself; any other gets the error page.
pub const fn belongs_to_form(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Invalid | Kind::Unauthenticated | Kind::Conflict | Kind::Throttled | Kind::Unavailable
    )
}

/// An error as a person reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// In the reader's language.
    pub sentence: String,
    /// The English original, when the sentence is only a general one.
    pub details: Option<String>,
}

impl Told {
    /// Translates by key where the error has one, else by kind with the original beneath.
    pub fn new(lang: Lang, error: &Error) -> Self {
        // Core's own sentence may say how long or which name; in English nothing is better.
        if lang == Lang::En {
            return Self { sentence: error.sentence.clone(), details: None };
        }
        if let Some(key) = error.key
            && lang.has(key)
        {
            let details = (error.kind == Kind::Throttled).then(|| error.sentence.clone());
            return Self { sentence: lang.get(key), details };
        }
        let general = match error.kind {
            Kind::Invalid => "kind-invalid",
            Kind::Unauthenticated => "kind-unauthenticated",
            Kind::Forbidden => "kind-forbidden",
            Kind::NotFound => "kind-not-found",
            Kind::Conflict => "kind-conflict",
            Kind::Throttled => "kind-throttled",
            Kind::Locked => "kind-locked",
            Kind::Unavailable => "kind-unavailable",
            Kind::Internal => "kind-internal",
        };
        Self { sentence: lang.get(general), details: Some(error.sentence.clone()) }
    }
}
