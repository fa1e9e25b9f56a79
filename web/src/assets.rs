//! Files that browsers fetch: our stylesheet, scripts and icons, and the two libraries from the npm lockfile.
//! Each has a URL with the hash of its content, so it may be cached for ever. It must not know any page.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{
    body::Body,
    extract::Path,
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use sha2::{Digest, Sha256};

use crate::error::Failure;

#[derive(rust_embed::RustEmbed)]
#[folder = "static"]
struct Static;

/// htmx as built from the lockfile; empty where the build had no npm.
const HTMX: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/htmx.js"));
/// The SSE extension, likewise.
const SSE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sse.js"));

struct Asset {
    url: String,
    mime: String,
    bytes: &'static [u8],
}

static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    let mut assets = BTreeMap::new();
    for name in Static::iter() {
        if let Some(file) = Static::get(&name) {
            // Once per process, for the life of the process: nothing is ever freed here.
            add(&mut assets, &name, Vec::leak(file.data.into_owned()));
        }
    }
    for (name, bytes) in [("htmx.js", HTMX), ("sse.js", SSE)] {
        if !bytes.is_empty() {
            add(&mut assets, name, bytes);
        }
    }
    assets
});

fn add(assets: &mut BTreeMap<String, Asset>, name: &str, bytes: &'static [u8]) {
    let hash = hex::encode(Sha256::digest(bytes));
    let url = format!("/static/{}/{name}", hash.get(..12).unwrap_or(&hash));
    let mime = match name.rsplit('.').next() {
        Some("webmanifest") => "application/manifest+json".to_owned(),
        _ => mime_guess::from_path(name).first_or_octet_stream().to_string(),
    };
    assets.insert(name.to_owned(), Asset { url, mime, bytes });
}

/// The URL of an asset, hash included; `/static/none` when there is no such file.
pub fn url(name: &str) -> &'static str {
    ASSETS.get(name).map_or("/static/none", |asset| &asset.url)
}

/// Whether this build carries the libraries that update pages by themselves.
pub fn has_htmx() -> bool {
    !HTMX.is_empty() && !SSE.is_empty()
}

/// Size in bytes of an asset before compression; 0 when there is no such file.
pub fn size(name: &str) -> usize {
    ASSETS.get(name).map_or(0, |asset| asset.bytes.len())
}

fn answer(name: &str, cache: &'static str) -> Option<Response<Body>> {
    let asset = ASSETS.get(name)?;
    let mut response = Response::new(Body::from(asset.bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(&asset.mime).ok()?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    Some(response)
}

/// `GET /static/{hash}/{name}`.
pub async fn file(Path((hash, name)): Path<(String, String)>) -> Response<Body> {
    let known = ASSETS.get(&name).is_some_and(|asset| asset.url == format!("/static/{hash}/{name}"));
    known
        .then(|| answer(&name, "public, max-age=31536000, immutable"))
        .flatten()
        .unwrap_or_else(|| Failure::not_found().into_response())
}

/// `GET /sw.js`: at the root, because a service worker rules only what lies below it.
pub async fn service_worker() -> Response<Body> {
    answer("sw.js", "no-cache").unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

/// `GET /favicon.ico`: browsers ask for it whatever the page says.
pub async fn favicon() -> Response<Body> {
    answer("icon.svg", "public, max-age=86400").unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_carries_the_hash_of_its_content() {
        assert!(url("app.css").starts_with("/static/") && url("app.css").ends_with("/app.css"));
        assert_eq!(url("nothing.js"), "/static/none");
    }
}
