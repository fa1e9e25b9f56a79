//! Whether a mutation comes from a page of ours. Browsers say so in `Origin` and `Sec-Fetch-Site`;
//! a request that says neither is no browser's, and no page of ours sent it.

use axum::http::{HeaderMap, StatusCode, Uri, header};

use crate::error::{Failure, Result};

/// Refuses a mutation from elsewhere.
pub fn ours(headers: &HeaderMap, uri: &Uri, plain: bool) -> Result<()> {
    let elsewhere = Failure::Status(StatusCode::FORBIDDEN, "cross-origin");
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let site = text("sec-fetch-site");
    if site.is_some_and(|site| site != "same-origin") {
        return Err(elsewhere);
    }
    let host =
        uri.authority().map(|a| a.as_str()).or_else(|| text(header::HOST.as_str())).unwrap_or_default();
    let scheme = if plain { "http" } else { "https" };
    match text(header::ORIGIN.as_str()) {
        Some(origin) if origin == format!("{scheme}://{host}") => Ok(()),
        None if site.is_some() => Ok(()),
        _ => Err(elsewhere),
    }
}

/// Refuses a body that is not a form: JSON sent as text is how a foreign page would slip past a preflight.
pub fn form(headers: &HeaderMap) -> Result<()> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Ok(());
    }
    Err(Failure::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-a-form"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = pairs
            .iter()
            .map(|(k, v)| (k.parse().expect("a header name"), v.parse().expect("a header value")))
            .collect::<HeaderMap>();
        ours(&headers, &Uri::from_static("/x"), false).is_ok()
    }

    #[test]
    fn only_our_own_pages_may_change_things() {
        assert!(asks(&[("host", "box.local:8443"), ("origin", "https://box.local:8443")]));
        assert!(asks(&[("host", "box.local"), ("sec-fetch-site", "same-origin")]));
        assert!(!asks(&[("host", "box.local:8443"), ("origin", "https://box.local")]), "another port");
        assert!(!asks(&[("host", "box.local"), ("origin", "http://box.local")]), "another scheme");
        assert!(!asks(&[("host", "box.local"), ("origin", "null")]));
        assert!(!asks(&[("host", "box.local")]), "no browser");
        let both = [("host", "b"), ("origin", "https://b"), ("sec-fetch-site", "same-site")];
        assert!(!asks(&both));
    }
}
