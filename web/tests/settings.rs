//! Each person's own: sign-in with a second factor, password, sessions, profile.

use axum::http::StatusCode;
use flashnode_core::{
    access::Role,
    app::fake::TEST_PASSWORD,
    control::{Actor, Request},
};
use totp_rs::{Algorithm, Secret, TOTP};

use crate::world::{Browser, World};

fn code(secret: &str, at: i64) -> String {
    let secret = Secret::Encoded(secret.to_owned()).to_bytes().expect("base32");
    let totp = TOTP::new(Algorithm::SHA1, 6, 1, 30, secret, None, "x".to_owned()).expect("a secret");
    totp.generate(u64::try_from(at / 1000).expect("after 1970"))
}

async fn switched_on(world: &World) -> (Browser, String, Vec<String>) {
    let mut owner = world.stepped_up(Role::Owner).await;
    let page = owner.post("/settings/two-factor/start", &[]).await;
    assert!(page.shows("<svg"), "a QR code: {}", page.text);
    let secret =
        page.text.split("data-copy=\"").nth(1).and_then(|r| r.split('"').next()).expect("the key").to_owned();
    let wrong = owner.post("/settings/two-factor/confirm", &[("code", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let now = world.app.clock().now().0;
    let page = owner.post("/settings/two-factor/confirm", &[("code", &code(&secret, now))]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let list = page
        .text
        .split("class=\"words codes\">")
        .nth(1)
        .and_then(|r| r.split("</ol>").next())
        .expect("codes");
    let codes: Vec<String> =
        list.split("<li>").skip(1).filter_map(|r| r.split("</li>").next()).map(str::to_owned).collect();
    assert_eq!(codes.len(), 10);
    (owner, secret, codes)
}

#[tokio::test]
async fn a_second_factor_is_set_up_asked_for_and_recovered_from() {
    let world = World::good().await;
    let (_, _, codes) = switched_on(&world).await;
    let mut visitor = world.browser();
    visitor.get("/sign-in").await;
    let asks = visitor.post("/sign-in", &[("name", "ana"), ("password", TEST_PASSWORD)]).await;
    assert!(asks.shows("name=\"code\"") && !asks.shows(TEST_PASSWORD), "{}", asks.text);
    let wrong = [("name", "ana"), ("password", TEST_PASSWORD), ("code", "123456")];
    assert_eq!(visitor.post("/sign-in", &wrong).await.status, StatusCode::UNAUTHORIZED);
    let right = [("name", "ana"), ("password", TEST_PASSWORD), ("code", codes[0].as_str())];
    assert_eq!(visitor.post("/sign-in", &right).await.place(), "/");
    let mut again = world.browser();
    again.get("/sign-in").await;
    assert_eq!(again.post("/sign-in", &right).await.status, StatusCode::UNAUTHORIZED, "each code opens once");
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_look_the_same() {
    let world = World::good().await;
    let mut visitor = world.browser();
    visitor.get("/sign-in").await;
    let wrong = visitor.post("/sign-in", &[("name", "ana"), ("password", "not the password")]).await;
    let nobody = visitor.post("/sign-in", &[("name", "bob"), ("password", "not the password")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(wrong.text.replace("ana", ""), nobody.text.replace("bob", ""));
}

#[tokio::test]
async fn signing_in_leads_back_and_signing_out_ends_it() {
    let world = World::good().await;
    let mut visitor = world.browser();
    assert_eq!(visitor.get("/services/lnd").await.place(), "/sign-in?back=/services/lnd");
    visitor.get("/sign-in?back=/services/lnd").await;
    let fields = [("name", "ana"), ("password", TEST_PASSWORD), ("back", "/services/lnd")];
    assert_eq!(visitor.post("/sign-in", &fields).await.place(), "/services/lnd");
    visitor.get("/").await;
    let token = visitor.cookies.clone();
    assert_eq!(visitor.post("/sign-out", &[]).await.place(), "/sign-in");
    visitor.cookies = token;
    assert!(visitor.get("/").await.place().starts_with("/sign-in"), "the old cookie is dead");
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let world = World::good().await;
    let mut here = world.signed_in(Role::Owner).await;
    let mut there = world.signed_in(Role::Owner).await;
    let fields = [("old", TEST_PASSWORD), ("new", "four grey herons"), ("again", "four grey heron")];
    assert_eq!(here.post("/settings/password", &fields).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = [("old", TEST_PASSWORD), ("new", "four grey herons"), ("again", "four grey herons")];
    assert_eq!(here.post("/settings/password", &fields).await.place(), "/settings");
    assert_eq!(here.get("/settings").await.status, StatusCode::OK);
    assert!(there.get("/settings").await.place().starts_with("/sign-in"));
}

#[tokio::test]
async fn a_new_password_needs_the_second_factor_where_there_is_one() {
    let world = World::good().await;
    let (_, _, codes) = switched_on(&world).await;
    let mut owner = world.browser(); // another session: not stepped up
    owner.get("/sign-in").await;
    owner.post("/sign-in", &[("name", "ana"), ("password", TEST_PASSWORD)]).await;
    let with_code = [("name", "ana"), ("password", TEST_PASSWORD), ("code", &*codes[1])];
    assert_eq!(owner.post("/sign-in", &with_code).await.place(), "/");
    owner.get("/settings").await; // for its token
    let fields = [("old", TEST_PASSWORD), ("new", "four grey herons"), ("again", "four grey herons")];
    let refused = owner.post("/settings/password", &fields).await;
    assert_eq!(refused.place(), "/step-up?back=/settings/password");
    assert_eq!(owner.get("/settings/password").await.place(), "/step-up?back=/settings/password");
    let proof = [("password", TEST_PASSWORD), ("code", &*codes[0]), ("back", "/settings/password")];
    assert_eq!(owner.post("/step-up", &proof).await.place(), "/settings/password");
    assert_eq!(owner.post("/settings/password", &fields).await.place(), "/settings");
}

#[tokio::test]
async fn a_session_can_be_ended_from_another() {
    let world = World::good().await;
    let mut here = world.signed_in(Role::Owner).await;
    let mut there = world.signed_in(Role::Owner).await;
    let list = here.get("/settings/sessions").await;
    let id = list
        .text
        .split("name=\"id\" value=\"")
        .nth(1)
        .and_then(|r| r.split('"').next())
        .expect("another one");
    assert_eq!(here.post("/settings/sessions", &[("id", id)]).await.place(), "/settings/sessions");
    assert!(there.get("/").await.place().starts_with("/sign-in"));
    assert_eq!(here.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_profile_beats_the_browser() {
    let world = World::good().await;
    let mut owner = world.signed_in(Role::Owner).await;
    assert_eq!(owner.post("/settings", &[("language", "es"), ("theme", "dark")]).await.place(), "/settings");
    let page = owner.get("/settings").await;
    assert!(page.shows("<html lang=\"es\" data-theme=\"dark\">"), "{}", page.text);
    assert!(owner.get("/nothing-here").await.status == StatusCode::NOT_FOUND);
}

/// What the supervisor was given for the audit log since the last look: who, from where, what, on what.
fn recorded(world: &World) -> Vec<(String, String, String, String)> {
    let asked = world.control.with(|state| std::mem::take(&mut state.requests));
    let record = |(actor, ask): (Actor, Request)| match ask {
        Request::Record { action, subject, .. } => Some((actor.who, actor.from, action, subject)),
        _ => None,
    };
    asked.into_iter().filter_map(record).collect()
}

fn entry(who: &str, action: &str, subject: &str) -> Vec<(String, String, String, String)> {
    vec![(who.to_owned(), "127.0.0.1".to_owned(), action.to_owned(), subject.to_owned())]
}

#[tokio::test]
async fn every_door_is_written_into_the_audit_log() {
    let world = World::good().await;
    let mut visitor = world.browser();
    visitor.get("/sign-in").await;
    let long = format!("a<b>\u{202e}{}", "x".repeat(60));
    visitor.post("/sign-in", &[("name", &long), ("password", "not the password")]).await;
    assert_eq!(recorded(&world), entry("visitor", "sign_in_failed", &format!("ab{}", "x".repeat(30))));
    visitor.post("/sign-in", &[("name", "ana"), ("password", TEST_PASSWORD)]).await;
    assert_eq!(recorded(&world), entry("owner:ana", "sign_in", "ana"));
    visitor.get("/").await;
    visitor.post("/sign-out", &[]).await;
    assert_eq!(recorded(&world), entry("owner:ana", "sign_out", "ana"));

    let mut here = world.signed_in(Role::Owner).await;
    here.post("/step-up", &[("password", "not the password")]).await;
    assert_eq!(recorded(&world), entry("owner:ana", "step_up_failed", "ana"));
    here.post("/step-up", &[("password", TEST_PASSWORD)]).await;
    assert_eq!(recorded(&world), entry("owner:ana", "step_up", "ana"));
    world.signed_in(Role::Owner).await;
    let list = here.get("/settings/sessions").await.text;
    let id =
        list.split("name=\"id\" value=\"").nth(1).and_then(|r| r.split('"').next()).expect("another one");
    here.post("/settings/sessions", &[("id", id)]).await;
    assert_eq!(recorded(&world), entry("owner:ana", "session_revoked", id));
    here.post("/settings", &[("language", "en"), ("theme", "dark")]).await;
    assert_eq!(recorded(&world), entry("owner:ana", "profile_changed", "ana"));
    let fields = [("old", TEST_PASSWORD), ("new", "four grey herons"), ("again", "four grey herons")];
    here.post("/settings/password", &fields).await;
    assert_eq!(recorded(&world), entry("owner:ana", "password_changed", "ana"));
}

#[tokio::test]
async fn the_second_factor_is_written_into_the_audit_log() {
    let world = World::good().await;
    let (mut owner, _, _) = switched_on(&world).await;
    assert_eq!(recorded(&world).pop(), entry("owner:ana", "totp_on", "ana").pop());
    let answer = owner.post("/settings/two-factor/off", &[]).await;
    assert_eq!(answer.place(), "/settings/two-factor");
    assert_eq!(recorded(&world).pop(), entry("owner:ana", "totp_off", "ana").pop());
}

#[tokio::test]
async fn a_reset_password_is_written_into_the_audit_log() {
    let world = World::good().await;
    let body = r#"{"name":"ana","password":"four grey herons"}"#;
    let mut request = axum::http::Request::post("/api/v1/reset-password")
        .header("content-type", "application/json")
        .body(axum::body::Body::from(body))
        .expect("a request");
    request.extensions_mut().insert(flashnode_web::Console);
    let answer = world.browser().send(request).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let all = recorded(&world);
    assert!(all.iter().any(|(_, _, action, name)| action == "password_reset" && name == "ana"), "{all:?}");
}
