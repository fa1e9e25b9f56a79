//! What a browser keeps for the time when the box cannot be reached, and the manifest that makes the pages installable.

use askama::Template;
use axum::{Json, extract::State, http::header, response::IntoResponse};
use serde_json::json;

use crate::{
    assets,
    error::Result,
    state::Shared,
    view::{Frame, View},
};

/// The page.
#[derive(Template)]
#[template(path = "offline.html")]
pub struct OfflinePage {
    f: Frame,
}
plain_pages!(OfflinePage);

/// `GET /offline`.
pub async fn page(view: View) -> Result {
    view.render(&OfflinePage { f: view.frame.clone() })
}

/// `GET /manifest.webmanifest`.
pub async fn manifest(State(web): State<Shared>) -> Result {
    let manifest = json!({
        "name": format!("Flashnode {}", web.app.name()),
        "short_name": "Flashnode",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#faf8f3",
        "theme_color": "#191c25",
        "icons": [
            { "src": assets::url("icon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any" },
            { "src": assets::url("icon-maskable.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "maskable" },
        ],
    });
    Ok(([(header::CONTENT_TYPE, "application/manifest+json")], Json(manifest).0.to_string()).into_response())
}
