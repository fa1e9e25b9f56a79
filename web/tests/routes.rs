//! Walks the table: every route with no cookie, a dead one, and every role.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use flashnode_core::{access::Role, control::Request as Ask};
use flashnode_web::{
    Console, Options,
    routes::{Class, Need, Route, table},
};

use crate::world::{Answer, Browser, World, form, secret};

fn rows() -> Vec<Route> {
    table(Options { gallery: true, insecure_preview: false })
}

fn path(route: &Route) -> String {
    let path = route.path.replace("{edge}", "electrs:bitcoind").replace("{verb}", "restart");
    path.replace("{hash}", "0")
        .replace("{name}", if route.path.starts_with("/static") { "app.css" } else { "lnd" })
}

async fn try_it(browser: &mut Browser, route: &Route) -> Answer {
    if route.class == Class::Stream {
        // A stream never ends; its head is enough, and dropping the body closes it.
        let mut answer = browser.clone();
        let request = Request::get(path(route)).header("host", crate::world::HOST);
        let jar: Vec<String> = answer.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let request = request.header("cookie", jar.join("; ")).body(Body::empty()).expect("a request");
        let response = tower::ServiceExt::oneshot(answer.router.clone(), request).await.expect("an answer");
        let (parts, _) = response.into_parts();
        answer.csrf.clear();
        return Answer { status: parts.status, headers: parts.headers, text: String::new(), bytes: 0 };
    }
    if route.method == Method::POST {
        let body = format!("csrf={}", browser.csrf);
        browser.send(form(&path(route), body)).await
    } else {
        browser.get(&path(route)).await
    }
}

fn refused(answer: &Answer) -> bool {
    let away = answer.status == StatusCode::SEE_OTHER
        && (answer.place().starts_with("/sign-in") || answer.place().starts_with("/claim"));
    away || matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

fn rank(need: Need) -> usize {
    match need {
        Need::Anyone => 0,
        Need::Member => 1,
        Need::Operator => 2,
        Need::Owner => 3,
        Need::Setup | Need::Console => 9,
    }
}

/// What a page may ask on its way without ordering anything.
fn harmless(ask: &Ask) -> bool {
    matches!(ask, Ask::Status | Ask::SetupState | Ask::Ca | Ask::Audit { .. } | Ask::Record { .. })
}

async fn without_session(browser: &mut Browser, world: &World, what: &str) {
    for route in rows().iter().filter(|r| r.need != Need::Anyone && r.path != "/sign-out") {
        browser.get("/sign-in").await; // a fresh token, so that only the session is missing
        world.control.with(|s| s.requests.clear());
        let answer = try_it(browser, route).await;
        assert!(refused(&answer), "{what}: {} {} gave {}", route.method, route.path, answer.status);
        let asked = world.control.requests();
        assert!(asked.iter().all(|(_, ask)| harmless(ask)), "{what}: {} asked {asked:?}", route.path);
    }
}

#[tokio::test]
async fn without_a_cookie_nothing_opens() {
    let world = World::good().await;
    without_session(&mut world.browser(), &world, "no cookie").await;
}

#[tokio::test]
async fn an_expired_or_invented_cookie_opens_nothing() {
    let world = World::good().await;
    let mut expired = world.signed_in(Role::Owner).await;
    assert_eq!(expired.get("/services").await.status, StatusCode::OK);
    world.clock.forward(400);
    without_session(&mut expired, &world, "expired").await;
    let mut invented = world.browser();
    invented.cookies.insert("__Host-session-flashnode".to_owned(), "A".repeat(43));
    without_session(&mut invented, &world, "invented").await;
}

#[tokio::test]
async fn a_lesser_role_is_refused_and_orders_nothing() {
    for (have, role) in [(1, Role::Member), (2, Role::Operator), (3, Role::Owner)] {
        let world = World::good().await;
        let fresh = world.stepped_up(role).await;
        for route in rows().iter().filter(|r| r.path != "/sign-out" && rank(r.need) < 9) {
            world.control.with(|s| s.requests.clear());
            let answer = try_it(&mut fresh.clone(), route).await;
            let name = format!("{role:?}: {} {} gave {}", route.method, route.path, answer.status);
            assert_eq!(refused(&answer), rank(route.need) > have, "{name}");
            assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{name}: {}", answer.text);
            if rank(route.need) > have {
                assert!(world.control.requests().iter().all(|(_, ask)| harmless(ask)), "{name} asked");
            }
        }
    }
}

#[tokio::test]
async fn a_set_up_session_opens_the_wizard_and_nothing_else() {
    let world = World::fresh().await;
    let mut browser = world.browser();
    browser.get("/claim").await;
    browser.post("/claim", &[("code", "ABCDE-FGHJK")]).await;
    for route in rows().iter().filter(|r| r.need != Need::Anyone) {
        browser.get("/setup/owner").await;
        let answer = try_it(&mut browser.clone(), route).await;
        assert_eq!(
            refused(&answer),
            route.need != Need::Setup,
            "{} {} gave {}",
            route.method,
            route.path,
            answer.status
        );
    }
}

#[tokio::test]
async fn a_signed_in_person_does_not_reach_the_wizard() {
    let world = World::good().await;
    let owner = world.signed_in(Role::Owner).await;
    for route in rows().iter().filter(|r| r.need == Need::Setup) {
        let answer = try_it(&mut owner.clone(), route).await;
        assert_eq!((answer.status, answer.place()), (StatusCode::SEE_OTHER, "/"), "{}", route.path);
    }
}

#[tokio::test]
async fn dangerous_things_ask_for_the_password_again_and_do_nothing_before() {
    let world = World::good().await;
    let owner = world.signed_in(Role::Owner).await;
    for route in rows().iter().filter(|r| r.step_up) {
        world.control.with(|s| s.requests.clear());
        let answer = try_it(&mut owner.clone(), route).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", route.path);
        assert_eq!(answer.place(), format!("/step-up?back={}", path(route)));
        assert!(world.control.requests().iter().all(|(_, ask)| harmless(ask)));
    }
}

#[test]
fn a_step_up_can_lead_back_to_a_page() {
    let rows = rows();
    for route in rows.iter().filter(|r| r.step_up && r.method == Method::POST) {
        let twin = rows.iter().any(|r| r.path == route.path && r.method == Method::GET);
        assert!(twin, "{} has no page to come back to", route.path);
    }
}

#[tokio::test]
async fn the_console_alone_reaches_its_calls_and_no_cookie_does() {
    let world = World::good().await;
    let body = r#"{"name":"ana","password":"four grey herons"}"#;
    let ask = || Request::post("/api/v1/reset-password").header("content-type", "application/json");
    let mut owner = world.stepped_up(Role::Owner).await;
    let answer = owner.send(ask().body(Body::from(body)).expect("a request")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.shows("console"), "{}", answer.text);
    let console = ask().extension(Console).body(Body::from(body)).expect("a request");
    assert_eq!(world.browser().send(console).await.status, StatusCode::OK);
    let client = flashnode_core::access::Client { address: [127, 0, 0, 1].into(), agent: String::new() };
    let access = world.app.access().expect("open");
    access.sign_in("ana", &secret("four grey herons"), None, &client).await.expect("the new password works");
}
