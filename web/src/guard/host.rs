//! Which names may be called. A page on the Internet can make its own name point at this box (DNS rebinding);
//! then the browser sends that name, and here it ends.

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    error::Failure,
    state::{Console, Shared},
};

/// Refuses a host that is not ours, for every route. The console has no host.
pub async fn check(State(web): State<Shared>, request: Request, next: Next) -> Response {
    let console = request.extensions().get::<Console>().is_some();
    if console || of(&request).is_some_and(|host| known(host, web.app.hosts())) {
        return next.run(request).await;
    }
    Failure::Status(StatusCode::MISDIRECTED_REQUEST, "wrong-host").into_response()
}

/// The host asked for: HTTP/2 has it in the address, HTTP/1 in the header. Both, and different, is nobody's.
fn of(request: &Request) -> Option<&str> {
    let header = request.headers().get(header::HOST).map(|value| value.to_str().unwrap_or_default());
    match (request.uri().authority().map(|a| a.as_str()), header) {
        (Some(a), Some(b)) if !a.eq_ignore_ascii_case(b) => None,
        (Some(host), _) | (None, Some(host)) => Some(host),
        (None, None) => None,
    }
}

/// The host without its port.
pub fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        // `[::1]:8443` has its port after the bracket; a bare `::1` has none.
        Some((name, port))
            if port.bytes().all(|b| b.is_ascii_digit()) && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}

fn known(host: &str, ours: &[String]) -> bool {
    let bare = |host: &str| name(host).trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let asked = bare(host);
    !asked.is_empty() && ours.iter().any(|own| bare(own) == asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_names_are_known() {
        let ours = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned(), "box.local".to_owned()];
        for fine in ["localhost:8443", "127.0.0.1:8443", "[::1]:8443", "BOX.local", "box.local."] {
            assert!(known(fine, &ours), "{fine}");
        }
        for evil in ["evil.example", "localhost.evil.example:8443", "", ":8443", "127.0.0.1.nip.io"] {
            assert!(!known(evil, &ours), "{evil}");
        }
    }
}
