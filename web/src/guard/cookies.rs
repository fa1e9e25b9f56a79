//! Cookies: the session, the token of a visit before there is one, language and theme.
//! The box's name is part of the names, because browsers share cookies between the ports of a host.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use flashnode_core::access::{Session, Theme};
use rand::RngCore;

use crate::{i18n::Lang, state::Shared};

/// The token that forms carry while nobody is signed in; the same stands in a cookie that scripts cannot read.
#[derive(Clone, Debug)]
pub struct VisitToken(pub String);

/// A visit's cookie that must still be sent.
#[derive(Clone, Debug)]
pub struct FreshVisit(pub Cookie<'static>);

/// How a visitor wants pages before a profile says so.
#[derive(Clone, Debug, Default)]
pub struct Prefs {
    /// The language.
    pub lang: Lang,
    /// The theme.
    pub theme: Theme,
    /// Whether this very request asked for the language.
    pub asked: bool,
}

fn named(web: &Shared, what: &str) -> String {
    let prefix = if web.options.insecure_preview { "" } else { "__Host-" };
    format!("{prefix}{what}-{}", web.app.name())
}

/// The name of the session cookie of this box.
pub fn session_name(web: &Shared) -> String {
    named(web, "session")
}

fn strict(web: &Shared, name: String, value: String) -> Cookie<'static> {
    Cookie::build((name, value))
        .path("/")
        .http_only(true)
        .secure(!web.options.insecure_preview)
        .same_site(SameSite::Strict)
        .build()
}

/// The cookie of a new session. It lives as long as the browser lets it; the box decides when it ends.
pub fn session(web: &Shared, token: &str) -> Cookie<'static> {
    strict(web, session_name(web), token.to_owned())
}

/// The cookie that ends a session in the browser.
pub fn ended(web: &Shared) -> Cookie<'static> {
    let mut cookie = strict(web, session_name(web), String::new());
    cookie.make_removal();
    cookie
}

/// Adds a cookie to a response.
pub fn append(response: &mut Response, cookie: Cookie<'static>) {
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// The visit's token when nobody is signed in, made when there is none yet.
pub fn visit(
    web: &Shared,
    jar: &CookieJar,
    session: Option<&Session>,
    request: &mut Request,
) -> Option<String> {
    if session.is_some() {
        return None;
    }
    let name = named(web, "visit");
    let known = jar.get(&name).map(|c| c.value().to_owned()).filter(|v| v.len() == 43);
    let token = known.unwrap_or_else(|| {
        let mut bytes = [0; 32];
        rand::rng().fill_bytes(&mut bytes);
        let token = URL_SAFE_NO_PAD.encode(bytes);
        request.extensions_mut().insert(FreshVisit(strict(web, name, token.clone())));
        token
    });
    request.extensions_mut().insert(VisitToken(token.clone()));
    Some(token)
}

/// Reads language and theme, and keeps a choice made by `?lang=` or `?theme=`.
pub async fn prefs(State(web): State<Shared>, mut request: Request, next: Next) -> Response {
    let jar = CookieJar::from_headers(request.headers());
    let query = request.uri().query().unwrap_or_default().to_owned();
    let given = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
    let kept = |name: &str| jar.get(name).map(|cookie| cookie.value().to_owned());
    let accept = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
    let asked = given("lang").and_then(Lang::from_tag);
    let theme = given("theme").and_then(theme_of);
    let lang = asked.or_else(|| kept("lang").and_then(|tag| Lang::from_tag(&tag)));
    let prefs = Prefs {
        lang: lang.unwrap_or_else(|| Lang::negotiate(accept.unwrap_or_default())),
        theme: theme.or_else(|| kept("theme").and_then(|word| theme_of(&word))).unwrap_or_default(),
        asked: asked.is_some(),
    };
    request.extensions_mut().insert(prefs);
    let mut response = next.run(request).await;
    if let Some(lang) = asked {
        append(&mut response, taste(&web, "lang", lang.tag()));
    }
    if let Some(theme) = theme {
        append(&mut response, taste(&web, "theme", theme.as_str()));
    }
    response
}

fn taste(web: &Shared, name: &'static str, value: &'static str) -> Cookie<'static> {
    let mut cookie = strict(web, name.to_owned(), value.to_owned());
    cookie.set_same_site(SameSite::Lax);
    cookie.make_permanent();
    cookie
}

/// The theme of a word.
pub fn theme_of(word: &str) -> Option<Theme> {
    [Theme::System, Theme::Light, Theme::Dark].into_iter().find(|theme| theme.as_str() == word)
}
