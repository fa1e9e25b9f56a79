//! The frame around every page (language, theme, who is here) and the one decision between page and fragment.
//! It must not know any single page.

use std::net::SocketAddr;

use askama::Template;
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{StatusCode, header, request::Parts},
    response::{Html, IntoResponse},
};
use flashnode_core::{
    access::{Client, Role, Session, SessionKind, Theme},
    control::Actor,
    error::Error,
    types::{Network, Timestamp},
};

use crate::{
    assets,
    error::{Failure, Result, Told, belongs_to_form, status_of},
    guard::{Prefs, VisitToken},
    i18n::{Arg, Lang, format},
    state::{Shared, actor},
};

/// A page that can be drawn whole or as its live part alone.
pub trait Page: Template {
    /// Draws only the block that live updates replace; `None` when the page has none.
    fn live(&self) -> askama::Result<Option<String>> {
        Ok(None)
    }
}

/// What every template has as `f`.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The language.
    pub lang: Lang,
    /// Light, dark, or as the system.
    pub theme: Theme,
    /// The box's name.
    pub box_name: String,
    /// The path asked for, without its query.
    pub path: String,
    /// The token that forms carry.
    pub csrf: String,
    /// The signed-in person's name.
    pub name: Option<String>,
    /// Their role.
    pub role: Option<Role>,
    /// The network, once set up.
    pub network: Option<Network>,
    /// The chain's height, once known.
    pub height: Option<u64>,
    /// Alarms that wait for somebody.
    pub alarms: usize,
    /// Whether the gallery is served.
    pub gallery: bool,
    /// Now.
    pub now: Timestamp,
}

impl Frame {
    /// A message.
    pub fn t(&self, key: &str) -> String {
        self.lang.get(key)
    }

    /// A message with one argument.
    pub fn t1(&self, key: &str, name: &str, value: impl Arg) -> String {
        self.lang.with(key, &[(name, &value)])
    }

    /// A message with two arguments.
    pub fn t2(&self, key: &str, a: &str, x: impl Arg, b: &str, y: impl Arg) -> String {
        self.lang.with(key, &[(a, &x), (b, &y)])
    }

    /// A whole number, grouped.
    pub fn number(&self, n: &u64) -> String {
        format::number(self.lang, *n)
    }

    /// A size.
    pub fn bytes(&self, n: &u64) -> String {
        format::bytes(self.lang, *n)
    }

    /// A span of seconds.
    pub fn span(&self, seconds: &u64) -> String {
        format::span(self.lang, *seconds)
    }

    /// A moment, in UTC.
    pub fn moment(&self, at: &Timestamp) -> String {
        format::moment(self.lang, *at)
    }

    /// How long ago.
    pub fn ago(&self, at: &Timestamp) -> String {
        format::ago(self.lang, self.now, *at)
    }

    /// The URL of an asset.
    pub fn asset(&self, name: &str) -> &'static str {
        assets::url(name)
    }

    /// Whether pages can update themselves.
    pub fn htmx(&self) -> bool {
        assets::has_htmx()
    }

    /// `light`, `dark` or `system`.
    pub fn theme_word(&self) -> &'static str {
        self.theme.as_str()
    }

    /// Whether the person may see node pages.
    pub fn operator(&self) -> bool {
        self.role.is_some_and(|role| role >= Role::Operator)
    }

    /// Whether the person owns the box.
    pub fn owner(&self) -> bool {
        self.role == Some(Role::Owner)
    }

    /// Whether the playground is open.
    pub fn regtest(&self) -> bool {
        self.network == Some(Network::Regtest)
    }

    /// Whether this area of the navigation is the one shown.
    pub fn here(&self, area: &str) -> bool {
        if area == "/" {
            return self.path == "/";
        }
        let services = area == "/services" && self.path.starts_with("/edges");
        services
            || self.path == area
            || self.path.strip_prefix(area).is_some_and(|rest| rest.starts_with('/'))
    }

    /// What the localised title of a service is, its own name when it has none.
    pub fn service(&self, name: &str) -> String {
        let key = format!("service-{name}");
        if self.lang.has(&key) { self.lang.get(&key) } else { name.to_owned() }
    }

    /// A message chosen by a word, or its `…-other` sibling.
    pub fn pick(&self, family: &str, word: &str) -> String {
        let key = format!("{family}-{}", word.replace(['_', '.'], "-"));
        self.lang.get(if self.lang.has(&key) { key } else { format!("{family}-other") }.as_str())
    }
}

/// The frame, and how much of the page is wanted.
#[derive(Clone, Debug)]
pub struct View {
    /// What templates get.
    pub frame: Frame,
    fragment: bool,
}

impl View {
    /// The page, or its live block when htmx asked for it.
    pub fn render<P: Page>(&self, page: &P) -> Result {
        let live = if self.fragment { page.live()? } else { None };
        let text = match live {
            Some(block) => block,
            None => page.render()?,
        };
        Ok(([(header::VARY, "HX-Request, Cookie, Accept-Language")], Html(text)).into_response())
    }

    /// A form again, with what was wrong with it; an error that is not the form's gets its own page.
    pub fn again<P: Page>(&self, error: Error, page: impl FnOnce(Frame, Told) -> P) -> Result {
        if !belongs_to_form(error.kind) {
            return Err(error.into());
        }
        let told = Told::new(self.frame.lang, &error);
        let text = page(self.frame.clone(), told).render()?;
        Ok((status_of(error.kind), Html(text)).into_response())
    }
}

impl FromRequestParts<Shared> for View {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, web: &Shared) -> Result<Self> {
        let has = |name: &str| parts.headers.get(name).is_some_and(|value| value == "true");
        let fragment = has("hx-request") && !has("hx-history-restore-request") && !has("hx-boosted");
        Ok(View { frame: frame(parts, web).await, fragment })
    }
}

/// The frame for a request that the guard has let through.
pub async fn frame(parts: &Parts, web: &Shared) -> Frame {
    let session = parts.extensions.get::<Session>();
    let prefs = parts.extensions.get::<Prefs>().cloned().unwrap_or_default();
    let full = session.filter(|s| s.kind == SessionKind::Full);
    let status = if full.is_some() { web.status().await.ok() } else { None };
    let visit = parts.extensions.get::<VisitToken>().map(|token| token.0.clone());
    Frame {
        lang: session
            .and_then(|s| Lang::from_tag(s.language.as_deref()?))
            .filter(|_| !prefs.asked)
            .unwrap_or(prefs.lang),
        theme: full.map_or(prefs.theme, |s| s.theme),
        box_name: web.app.name().to_owned(),
        path: parts.uri.path().to_owned(),
        csrf: session.map(|s| s.csrf.expose().clone()).or(visit).unwrap_or_default(),
        name: full.map(|s| s.name.clone()),
        role: full.map(|s| s.role),
        network: status.as_ref().and_then(|s| s.network),
        height: status.as_ref().and_then(|s| s.block_height),
        alarms: status.as_ref().map_or(0, |s| s.alarms.len()),
        gallery: web.options.gallery,
        now: web.app.clock().now(),
    }
}

/// The person whom the guard let in.
#[derive(Clone, Debug)]
pub struct Who {
    /// Their session.
    pub session: Session,
    /// For the supervisor's audit log.
    pub actor: Actor,
}

impl FromRequestParts<Shared> for Who {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _web: &Shared) -> Result<Self> {
        let session = parts.extensions.get::<Session>().cloned();
        let session = session.ok_or(Failure::Status(StatusCode::UNAUTHORIZED, "unauthenticated"))?;
        let actor = actor(&session, client(parts).address);
        Ok(Who { session, actor })
    }
}

/// Where a request comes from.
#[derive(Clone, Debug)]
pub struct From(pub Client);

impl FromRequestParts<Shared> for From {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _web: &Shared) -> Result<Self> {
        Ok(From(client(parts)))
    }
}

fn client(parts: &Parts) -> Client {
    let address = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), |info| info.0.ip().to_canonical());
    let agent = parts.headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    Client { address, agent: agent.chars().take(200).collect() }
}
