//! `/trust`: the box's own certificate authority, how each kind of device learns to trust it, and whether this one does.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderName, header},
    response::IntoResponse,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flashnode_core::{
    ask,
    control::{Actor, CaView, Request},
    error::Error,
};

use crate::{
    error::Result,
    state::Shared,
    view::{Frame, View},
};

/// The page.
#[derive(Template)]
#[template(path = "trust.html")]
pub struct TrustPage {
    f: Frame,
    ca: Option<CaView>,
    platforms: [&'static str; 5],
}
plain_pages!(TrustPage);

async fn ca(web: &Shared) -> flashnode_core::error::Result<CaView> {
    let actor = Actor { who: "visitor".to_owned(), from: "app".to_owned() };
    ask!(web.app.control(), &actor, Request::Ca => Ca)
}

/// `GET /trust`.
pub async fn page(State(web): State<Shared>, view: View) -> Result {
    let ca = ca(&web).await.ok();
    let platforms = ["iphone", "android", "windows", "mac", "linux"];
    view.render(&TrustPage { f: view.frame.clone(), ca, platforms })
}

fn file(web: &Shared, kind: &str, end: &str, text: String) -> impl IntoResponse + use<> {
    let disposition = format!("attachment; filename=\"flashnode-{}.{end}\"", web.app.name());
    let headers: [(HeaderName, String); 2] =
        [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (headers, text)
}

/// `GET /ca.crt`.
pub async fn certificate(State(web): State<Shared>) -> Result {
    let ca = ca(&web).await?;
    Ok(file(&web, "application/x-x509-ca-cert", "crt", ca.pem).into_response())
}

/// `GET /ca.mobileconfig`: the same for iPhone, iPad and Mac, as a profile.
pub async fn mobileconfig(State(web): State<Shared>) -> Result {
    let ca = ca(&web).await?;
    let der: String = ca.pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let bytes = STANDARD.decode(&der).map_err(|e| Error::internal("reading its certificate", e))?;
    let profile = Mobileconfig {
        name: web.app.name().to_owned(),
        der: STANDARD.encode(bytes),
        payload: uuid(&ca.fingerprint, 0),
        profile: uuid(&ca.fingerprint, 16),
    };
    Ok(file(&web, "application/x-apple-aspen-config", "mobileconfig", profile.render()?).into_response())
}

/// The profile, an Apple property list.
#[derive(Template)]
#[template(path = "ca.mobileconfig", escape = "html")]
struct Mobileconfig {
    name: String,
    der: String,
    payload: String,
    profile: String,
}

/// A name in UUID form that stays the same for the same CA.
fn uuid(fingerprint: &str, from: usize) -> String {
    let hex: String = fingerprint
        .chars()
        .filter(char::is_ascii_hexdigit)
        .skip(from)
        .chain("0".repeat(32).chars())
        .take(32)
        .collect();
    let part = |a: usize, b: usize| hex.get(a..b).unwrap_or_default().to_uppercase();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}
