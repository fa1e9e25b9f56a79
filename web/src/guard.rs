//! The one gate in front of every route: host, locked box, session, role, origin, token, step-up.
//! Rules of a route stand in `routes.rs`; this file only enforces them. It must not know any page.
//!
//! | row | owns |
//! | --- | --- |
//! | [`host`] | which names may be called (DNS rebinding) |
//! | [`origin`] | whether a mutation comes from a page of ours |
//! | [`cookies`] | the session, the visit token, language and theme |
//! | [`headers`] | what every response carries |
//! | [`failures`] | drawing the page of a failure, late |

pub mod cookies;
pub mod failures;
pub mod headers;
pub mod host;
pub mod origin;

use std::time::Duration;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use axum_extra::extract::CookieJar;
use flashnode_core::{
    access::{Role, Session, SessionKind},
    setup::Step,
};
use subtle::ConstantTimeEq;
use tokio::time::timeout;

pub use cookies::{Prefs, VisitToken};

use crate::{
    error::{Failure, Result},
    routes::{Class, Need, Route},
    state::{Console, Shared},
};

/// The largest form we read.
pub const FORM_LIMIT: usize = 64 * 1024;

/// How long a form may take to arrive.
const FORM_WITHIN: Duration = Duration::from_secs(20);

/// What a route's layer knows.
#[derive(Clone)]
pub struct Gate {
    /// The shared state.
    pub web: Shared,
    /// The row of the table.
    pub route: Route,
}

/// Lets a request through to its handler, or says why not.
pub async fn enforce(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let jar = CookieJar::from_headers(request.headers());
    let session = match session(&gate, &jar).await {
        Ok(session) => session,
        Err(failure) => return failure.into_response(),
    };
    let mut response = match check(&gate, request, &jar, session.as_ref()).await {
        Ok(request) => {
            let fresh = request.extensions().get::<cookies::FreshVisit>().cloned();
            let mut response = next.run(request).await;
            if let Some(fresh) = fresh {
                cookies::append(&mut response, fresh.0);
            }
            response
        }
        Err(failure) => failure.into_response(),
    };
    if let Some(session) = session {
        response.extensions_mut().insert(session); // the page of a failure speaks the person's language
    }
    response
}

async fn check(
    gate: &Gate,
    mut request: Request,
    jar: &CookieJar,
    session: Option<&Session>,
) -> Result<Request> {
    let Gate { web, route } = gate;
    if route.need == Need::Console {
        return console(&request).map(|()| request);
    }
    if web.app.locked() && !route.when_locked {
        return Err(locked(route));
    }
    if !route.reads_cookies() {
        return Ok(request); // nobody is anybody here
    }
    let mutation = !route.method.is_safe();
    if mutation {
        origin::ours(request.headers(), request.uri(), web.options.insecure_preview)?;
        origin::form(request.headers())?;
    }
    permit(web, route, request.uri().path(), session).await?;
    let token = cookies::visit(web, jar, session, &mut request);
    if mutation {
        let expected = session.map(|s| s.csrf.expose().clone()).or(token);
        request = with_token(request, expected.as_deref()).await?;
    }
    let proof = |s: &Session| route.step_up || (route.second_factor && s.totp);
    if session.is_some_and(|s| proof(s) && !stepped_up(web, s)) {
        return Err(Failure::to(format!("/step-up?back={}", request.uri().path())));
    }
    if let Some(session) = session {
        request.extensions_mut().insert(session.clone());
    }
    Ok(request)
}

fn stepped_up(web: &Shared, session: &Session) -> bool {
    session.stepped_up_until.is_some_and(|until| until > web.app.clock().now())
}

fn console(request: &Request) -> Result<()> {
    if request.extensions().get::<Console>().is_none() {
        return Err(Failure::Status(StatusCode::FORBIDDEN, "console-only"));
    }
    Ok(())
}

fn locked(route: &Route) -> Failure {
    if route.method == Method::GET && route.class == Class::Page {
        Failure::to("/locked")
    } else {
        Failure::Status(StatusCode::SERVICE_UNAVAILABLE, "locked")
    }
}

/// The session of the cookie. A box that is locked has none to look up.
async fn session(gate: &Gate, jar: &CookieJar) -> Result<Option<Session>> {
    let Gate { web, route } = gate;
    let Some(cookie) = jar.get(&cookies::session_name(web)) else { return Ok(None) };
    if !route.reads_cookies() || web.app.locked() || cookie.value().len() > 200 {
        return Ok(None);
    }
    Ok(web.app.access()?.session(cookie.value()).await?)
}

async fn permit(web: &Shared, route: &Route, path: &str, session: Option<&Session>) -> Result<()> {
    let role = session.filter(|s| s.kind == SessionKind::Full).map(|s| s.role);
    let least = match route.need {
        Need::Anyone => return Ok(()),
        Need::Setup if session.is_some_and(|s| s.kind == SessionKind::Setup) => return Ok(()),
        Need::Setup if role.is_some() => return Err(Failure::to("/")),
        Need::Setup | Need::Console => return Err(entrance(web, route, path).await?),
        Need::Member => Role::Member,
        Need::Operator => Role::Operator,
        Need::Owner => Role::Owner,
    };
    match role {
        Some(role) if role >= least => Ok(()),
        Some(_) if least == Role::Owner => Err(Failure::Status(StatusCode::FORBIDDEN, "owner-only")),
        Some(_) => Err(Failure::Status(StatusCode::FORBIDDEN, "operator-only")),
        None => Err(entrance(web, route, path).await?),
    }
}

/// Where somebody without a fitting session goes: the wizard on a new box, else the sign-in.
async fn entrance(web: &Shared, route: &Route, path: &str) -> Result<Failure> {
    if route.class == Class::Stream {
        return Ok(Failure::Status(StatusCode::UNAUTHORIZED, "unauthenticated"));
    }
    if web.app.setup()?.view().await?.step != Step::Done {
        return Ok(Failure::to("/claim"));
    }
    let back =
        if route.method == Method::GET && path != "/" { format!("?back={path}") } else { String::new() };
    Ok(Failure::to(format!("/sign-in{back}")))
}

/// Reads the form, checks its token and hands the request on with the same body.
async fn with_token(request: Request, expected: Option<&str>) -> Result<Request> {
    let (parts, body) = request.into_parts();
    let too_large = Failure::Status(StatusCode::PAYLOAD_TOO_LARGE, "too-large");
    if length(&parts.headers).is_some_and(|n| n > FORM_LIMIT) {
        return Err(too_large);
    }
    let bytes = arrived(body, FORM_WITHIN).await?;
    let header = parts.headers.get("x-csrf").and_then(|v| v.to_str().ok()).map(str::to_owned);
    let given = header.or_else(|| field(&bytes, "csrf"));
    let fits = match (given, expected) {
        (Some(given), Some(expected)) if !expected.is_empty() => {
            bool::from(given.as_bytes().ct_eq(expected.as_bytes()))
        }
        _ => false,
    };
    if !fits {
        return Err(Failure::Status(StatusCode::FORBIDDEN, "stale-form"));
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// A body, when it arrives in time: one that trickles must not hold its place for good.
async fn arrived(body: Body, within: Duration) -> Result<axum::body::Bytes> {
    match timeout(within, axum::body::to_bytes(body, FORM_LIMIT)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Failure::Status(StatusCode::PAYLOAD_TOO_LARGE, "too-large")),
        Err(_) => Err(Failure::Status(StatusCode::REQUEST_TIMEOUT, "too-slow")),
    }
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The first value of a form field. Our tokens are URL-safe, so nothing has to be decoded.
fn field(form: &[u8], name: &str) -> Option<String> {
    let text = std::str::from_utf8(form).ok()?;
    text.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then(|| value.to_owned())
    })
}

/// Only a path of ours may be gone back to: `//elsewhere` and `/\elsewhere` leave the box.
pub fn safe_back(back: Option<&str>) -> &str {
    match back {
        Some(path)
            if path.starts_with('/')
                && !path.starts_with("//")
                && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.:?=&".contains(&b)) =>
        {
            path
        }
        _ => "/",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_stays_on_the_box() {
        assert_eq!(safe_back(Some("/services/lnd")), "/services/lnd");
        for evil in ["//evil.example", "https://evil.example", "/\\evil", "/\nx", ""] {
            assert_eq!(safe_back(Some(evil)), "/", "{evil}");
        }
    }

    #[tokio::test]
    async fn a_form_that_trickles_is_not_waited_for() {
        let trickle = futures::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Some((Ok::<_, std::io::Error>("a"), ()))
        });
        let form = arrived(Body::from_stream(trickle), Duration::from_millis(100));
        let failure =
            timeout(Duration::from_secs(10), form).await.expect("in time").expect_err("never whole");
        assert!(matches!(failure, Failure::Status(StatusCode::REQUEST_TIMEOUT, _)), "{failure:?}");
        assert_eq!(arrived(Body::from("a=1"), FORM_WITHIN).await.expect("whole"), "a=1");
    }

    #[test]
    fn the_token_is_found_among_other_fields() {
        assert_eq!(field(b"a=1&csrf=tok_en-1&b=2", "csrf").as_deref(), Some("tok_en-1"));
        assert_eq!(field(b"xcsrf=1", "csrf"), None);
    }
}
