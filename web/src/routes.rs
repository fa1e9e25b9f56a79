//! Every URL in one table: method, path, who may, and what class of traffic it is. The router is built from the
//! table and from nothing else, so a page outside it cannot exist; `tests/routes.rs` walks it with every role.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    http::{Method, StatusCode},
    middleware::{from_fn, from_fn_with_state},
    routing::{MethodFilter, MethodRouter, on},
};
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};

use crate::{
    SharedApp, api, assets,
    error::Failure,
    guard::{self, FORM_LIMIT, Gate},
    pages::{
        alerts, audit, claim, edges, gallery, home, locked, more, offline, playground, rotate, service,
        services, settings, setup, sign_in, step_up, trust, two_factor, updates,
    },
    sse,
    state::{Options, Shared, Web},
};

/// Who may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Everybody.
    Anyone,
    /// Whoever has used the claim code, until set-up is done.
    Setup,
    /// Any signed-in person.
    Member,
    /// Those who run the services.
    Operator,
    /// The owner.
    Owner,
    /// The console's UNIX socket alone.
    Console,
}

/// What class of traffic a route is: which checks apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Cookie, Origin and token checks.
    Page,
    /// A stream for pages: cookie, no mutation.
    Stream,
    /// JSON; no cookie.
    Api,
    /// For anyone, no cookie.
    Public,
    /// Files that never change under their name.
    Asset,
}

/// A row of the table.
#[derive(Clone)]
pub struct Route {
    /// The method; HEAD comes with GET.
    pub method: Method,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// Who may.
    pub need: Need,
    /// Which checks apply.
    pub class: Class,
    /// Whether the person must have just shown their password again.
    pub step_up: bool,
    /// Whether a person with a second factor must have just shown it; the page itself asks for the password.
    pub second_factor: bool,
    /// Whether it works while the box is locked.
    pub when_locked: bool,
    handler: MethodRouter<Shared>,
}

impl Route {
    /// Whether cookies mean anything here.
    pub fn reads_cookies(&self) -> bool {
        matches!(self.class, Class::Page | Class::Stream)
    }

    fn step_up(mut self) -> Self {
        self.step_up = true;
        self
    }

    fn second_factor(mut self) -> Self {
        self.second_factor = true;
        self
    }

    fn when_locked(mut self) -> Self {
        self.when_locked = true;
        self
    }
}

fn route<T: 'static>(
    method: Method,
    path: &'static str,
    need: Need,
    class: Class,
    handler: impl Handler<T, Shared>,
) -> Route {
    let filter = if method == Method::POST { MethodFilter::POST } else { MethodFilter::GET };
    let handler = on(filter, handler);
    Route { method, path, need, class, step_up: false, second_factor: false, when_locked: false, handler }
}

fn get<T: 'static>(path: &'static str, need: Need, handler: impl Handler<T, Shared>) -> Route {
    route(Method::GET, path, need, Class::Page, handler)
}

fn post<T: 'static>(path: &'static str, need: Need, handler: impl Handler<T, Shared>) -> Route {
    route(Method::POST, path, need, Class::Page, handler)
}

fn open<T: 'static>(path: &'static str, class: Class, handler: impl Handler<T, Shared>) -> Route {
    route(Method::GET, path, Need::Anyone, class, handler).when_locked()
}

/// Every route of this server.
pub fn table(options: Options) -> Vec<Route> {
    let mut rows = [first_run(), node(), settings_rows(), outside()].concat();
    if options.gallery {
        rows.push(get("/dev/gallery", Need::Anyone, gallery::page).when_locked());
    }
    rows
}

fn first_run() -> Vec<Route> {
    use Need::{Anyone, Setup};
    vec![
        get("/claim", Anyone, claim::page),
        post("/claim", Anyone, claim::enter),
        get("/setup", Setup, setup::resume),
        get("/setup/owner", Setup, setup::owner::page),
        post("/setup/owner", Setup, setup::owner::save),
        get("/setup/network", Setup, setup::network::page),
        post("/setup/network", Setup, setup::network::save),
        get("/setup/services", Setup, setup::services::page),
        post("/setup/services", Setup, setup::services::save),
        get("/setup/keys", Setup, setup::keys::page),
        get("/setup/confirm", Setup, setup::keys::ask),
        post("/setup/confirm", Setup, setup::keys::confirm),
        get("/setup/recovery", Setup, setup::recovery::page),
        post("/setup/recovery", Setup, setup::recovery::save),
        get("/setup/summary", Setup, setup::summary::page),
        post("/setup/summary", Setup, setup::summary::commit),
    ]
}

fn node() -> Vec<Route> {
    use Need::{Member, Operator, Owner};
    vec![
        get("/", Member, home::page),
        get("/more", Member, more::page),
        get("/services", Operator, services::page),
        get("/services/{name}", Operator, service::page),
        get("/services/{name}/log", Operator, service::log),
        get("/services/{name}/log.txt", Operator, service::download),
        get("/services/{name}/act/{verb}", Operator, service::ask),
        post("/services/{name}/act/{verb}", Operator, service::act),
        get("/services/{name}/rebuild", Owner, service::ask_rebuild).step_up(),
        post("/services/{name}/rebuild", Owner, service::rebuild).step_up(),
        get("/edges", Operator, edges::page),
        get("/edges/{edge}/rotate", Owner, rotate::ask).step_up(),
        post("/edges/{edge}/rotate", Owner, rotate::begin).step_up(),
        get("/updates", Operator, updates::page),
        post("/updates", Owner, updates::stage),
        get("/updates/staged", Operator, updates::staged),
        post("/updates/staged", Owner, updates::apply).step_up(),
        post("/updates/discard", Owner, updates::discard),
        get("/alerts", Operator, alerts::page),
        post("/alerts", Operator, alerts::acknowledge),
        get("/audit", Operator, audit::page),
        post("/audit", Operator, audit::verify),
        get("/playground", Operator, playground::page),
        post("/playground/mine", Operator, playground::mine),
        post("/playground/fund", Operator, playground::fund),
        route(Method::GET, "/events", Operator, Class::Stream, sse::events),
    ]
}

fn settings_rows() -> Vec<Route> {
    use Need::{Anyone, Member, Owner};
    vec![
        get("/sign-in", Anyone, sign_in::page),
        post("/sign-in", Anyone, sign_in::enter),
        post("/sign-out", Member, sign_in::leave),
        get("/step-up", Member, step_up::page),
        post("/step-up", Member, step_up::enter),
        get("/settings", Member, settings::page),
        post("/settings", Member, settings::save),
        get("/settings/password", Member, settings::password).second_factor(),
        post("/settings/password", Member, settings::change_password).second_factor(),
        get("/settings/sessions", Member, settings::sessions),
        post("/settings/sessions", Member, settings::revoke),
        get("/settings/box", Owner, settings::this_box),
        get("/settings/two-factor", Member, two_factor::page),
        get("/settings/two-factor/start", Member, two_factor::ask).step_up(),
        post("/settings/two-factor/start", Member, two_factor::start).step_up(),
        post("/settings/two-factor/confirm", Member, two_factor::confirm),
        get("/settings/two-factor/off", Member, two_factor::ask_off).step_up(),
        post("/settings/two-factor/off", Member, two_factor::off).step_up(),
    ]
}

fn outside() -> Vec<Route> {
    use Need::{Anyone, Console};
    vec![
        get("/locked", Anyone, locked::page).when_locked(),
        post("/locked", Anyone, locked::unlock).when_locked(),
        get("/trust", Anyone, trust::page).when_locked(),
        get("/offline", Anyone, offline::page).when_locked(),
        open("/ca.crt", Class::Public, trust::certificate),
        open("/ca.mobileconfig", Class::Public, trust::mobileconfig),
        open("/manifest.webmanifest", Class::Public, offline::manifest),
        open("/static/{hash}/{name}", Class::Asset, assets::file),
        open("/sw.js", Class::Asset, assets::service_worker),
        open("/favicon.ico", Class::Asset, assets::favicon),
        open("/api/v1/health", Class::Api, api::health::get),
        route(Method::POST, "/api/v1/setup", Console, Class::Api, api::setup::post),
        route(Method::POST, "/api/v1/reset-password", Console, Class::Api, api::reset_password::post),
    ]
}

/// The whole server: the table behind its guards.
pub fn router(app: SharedApp, options: Options) -> Router {
    let web = Web::new(app, options);
    let mut router = Router::new();
    for route in table(options) {
        let gate = Gate { web: web.clone(), route: route.clone() };
        router =
            router.route(route.path, route.handler.route_layer(from_fn_with_state(gate, guard::enforce)));
    }
    router
        .fallback(|| async { Failure::not_found() })
        .method_not_allowed_fallback(|| async { Failure::Status(StatusCode::METHOD_NOT_ALLOWED, "method") })
        .layer(DefaultBodyLimit::max(FORM_LIMIT))
        // Read from below: what stands lower runs first on the way in and last on the way out.
        .layer(from_fn_with_state(web.clone(), guard::host::check))
        .layer(from_fn_with_state(web.clone(), guard::failures::draw))
        .layer(from_fn_with_state(web.clone(), guard::cookies::prefs))
        .layer(CatchPanicLayer::new())
        .layer(CompressionLayer::new())
        .layer(from_fn(guard::headers::add))
        .with_state(web)
}
