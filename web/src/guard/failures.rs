//! Draws the page of a failure late, where the reader's language is known. Logs what is our own fault, once.

use askama::Template;
use axum::{
    Json,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use flashnode_core::{
    access::Session,
    error::{Kind, chain},
};
use serde_json::json;

use crate::{
    error::{Failure, Told, status_of},
    state::Shared,
    view::{Frame, frame},
};

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    f: Frame,
    status: u16,
    title: String,
    told: Told,
}

/// Replaces an empty failure by its page, or by JSON below `/api/`.
pub async fn draw(State(web): State<Shared>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let mut again = parts.clone();
    let response = next.run(Request::from_parts(parts, body)).await;
    let failure = match response.extensions().get::<Failure>() {
        Some(failure) => failure.clone(),
        None => return response,
    };
    if let Some(session) = response.extensions().get::<Session>() {
        again.extensions.insert(session.clone());
    }
    log(&failure, &again.method, again.uri.path());
    let status = response.status();
    let frame = frame(&again, &web).await;
    let told = told(&frame, &failure);
    if again.uri.path().starts_with("/api/") {
        return api(&failure, status);
    }
    let title = frame.pick("error-title", status.as_str());
    let page = ErrorPage { f: frame, status: status.as_u16(), title, told };
    let text = page.render().unwrap_or_else(|_| page.told.sentence.clone());
    let mut drawn = (status, Html(text)).into_response();
    for (name, value) in response.headers() {
        if name == header::SET_COOKIE || name == header::ALLOW {
            drawn.headers_mut().append(name, value.clone());
        }
    }
    drawn
}

fn told(frame: &Frame, failure: &Failure) -> Told {
    match failure {
        Failure::Told(error) => Told::new(frame.lang, error),
        Failure::Status(_, word) => Told { sentence: frame.pick("error", word), details: None },
        Failure::To(_) => Told { sentence: String::new(), details: None },
    }
}

fn api(failure: &Failure, status: StatusCode) -> Response {
    let english = crate::i18n::Lang::En;
    let body = match failure {
        Failure::Told(error) => json!({ "kind": error.kind, "sentence": error.sentence }),
        Failure::Status(_, word) => {
            json!({ "kind": word, "sentence": english.get(&format!("error-{word}")) })
        }
        Failure::To(_) => json!({}),
    };
    (status, Json(json!({ "error": body }))).into_response()
}

fn log(failure: &Failure, method: &Method, path: &str) {
    if let Failure::Told(error) = failure {
        let text = chain(error.as_ref());
        match error.kind {
            Kind::Internal => tracing::error!(%method, path, error = %text, "a page failed: {text}"),
            _ => tracing::debug!(%method, path, status = %status_of(error.kind), "refused: {text}"),
        }
    }
}
