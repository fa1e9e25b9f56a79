//! Plain HTTP: hands out the box's CA, and sends everything else to HTTPS. Nothing is ever signed in here.

use axum::{
    Router,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};

/// What may be had without TLS: what a device needs before it can trust ours.
const OPEN: [&str; 2] = ["/ca.crt", "/ca.mobileconfig"];

#[derive(Clone)]
struct Target {
    hosts: Vec<String>,
    port: u16,
}

/// The router in front of the pages' own: `hosts` are the box's, `port` is where TLS is served.
pub fn router(pages: Router, hosts: &[String], port: u16) -> Router {
    pages.layer(from_fn_with_state(Target { hosts: hosts.to_vec(), port }, redirect))
}

async fn redirect(State(target): State<Target>, request: Request, next: Next) -> Response {
    let open =
        OPEN.contains(&request.uri().path()) && matches!(*request.method(), Method::GET | Method::HEAD);
    if open {
        return next.run(request).await; // the pages' own host check still applies
    }
    let asked = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = flashnode_web::guard::host::name(asked).trim_end_matches('.');
    let bare = |host: &str| host.trim_matches(['[', ']']).to_ascii_lowercase();
    if !target.hosts.iter().any(|own| bare(own) == bare(name)) {
        return (StatusCode::MISDIRECTED_REQUEST, "This box does not go by that name.\n").into_response();
    }
    let port = if target.port == 443 { String::new() } else { format!(":{}", target.port) };
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, format!("https://{name}{port}{path}"))])
        .into_response()
}
