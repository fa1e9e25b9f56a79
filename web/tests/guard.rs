//! The gate: hosts, origins, tokens, sizes, headers, cookies.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use flashnode_core::{access::Role, control::Request as Ask};
use flashnode_web::{Options, guard::headers::CSP, routes::table};

use crate::world::{HOST, World, encode, form};

fn acted(world: &World) -> bool {
    world.control.requests().iter().any(|(_, ask)| matches!(ask, Ask::Act { .. }))
}

const RESTART: &str = "/services/lnd/act/restart";

#[tokio::test]
async fn a_name_that_is_not_ours_gets_nothing() {
    let world = World::good().await;
    let mut owner = world.signed_in(Role::Owner).await;
    for host in ["evil.example", "flashnode.test.evil.example", "192.0.2.9:8443", ""] {
        let request = Request::get("/").header(header::HOST, host).body(Body::empty()).expect("a request");
        let answer = owner.send(request).await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert!(answer.shows("not the address of the box") && !answer.shows("Bitcoin"), "{}", answer.text);
    }
    let mut rebinding = form(RESTART, format!("csrf={}", owner.csrf));
    rebinding.headers_mut().insert(header::HOST, "evil.example".parse().expect("a host"));
    rebinding.headers_mut().insert(header::ORIGIN, "https://evil.example".parse().expect("an origin"));
    assert_eq!(owner.send(rebinding).await.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(!acted(&world));
    let twice = Request::get("https://evil.example/").header(header::HOST, HOST).body(Body::empty());
    assert_eq!(owner.send(twice.expect("a request")).await.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn a_form_from_another_page_does_nothing() {
    let world = World::good().await;
    let mut owner = world.signed_in(Role::Owner).await;
    let cases: [&[(&str, &str)]; 5] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://flashnode.test")],
        &[("origin", "https://flashnode.test"), ("sec-fetch-site", "cross-site")],
        &[],
    ];
    for headers in cases {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(RESTART)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Body::from(format!("csrf={}", owner.csrf));
        let answer = owner.send(request.body(body).expect("a request")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert!(answer.shows("did not come from a page of this box"));
    }
    assert!(!acted(&world));
}

#[tokio::test]
async fn json_dressed_as_text_does_nothing() {
    let world = World::good().await;
    let mut owner = world.signed_in(Role::Owner).await;
    for kind in ["text/plain", "application/json", "multipart/form-data; boundary=x", ""] {
        let mut request = form(RESTART, format!("{{\"csrf\":\"{}\"}}", owner.csrf));
        request.headers_mut().insert(header::CONTENT_TYPE, kind.parse().expect("a type"));
        assert_eq!(owner.send(request).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    assert!(!acted(&world));
}

#[tokio::test]
async fn a_form_without_its_token_does_nothing() {
    let world = World::good().await;
    let mut owner = world.signed_in(Role::Owner).await;
    let other = world.signed_in(Role::Operator).await;
    for body in [String::new(), "csrf=".to_owned(), "csrf=guess".to_owned(), format!("csrf={}", other.csrf)] {
        let answer = owner.send(form(RESTART, body.clone())).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{body}");
    }
    assert!(!acted(&world));
    let mut request = form(RESTART, String::new());
    request.headers_mut().insert("x-csrf", owner.csrf.parse().expect("a token"));
    assert_eq!(owner.send(request).await.status, StatusCode::SEE_OTHER);
    assert!(acted(&world));
}

#[tokio::test]
async fn signing_in_needs_the_token_of_this_visit() {
    let world = World::good().await;
    let mut visitor = world.browser();
    let fields = format!("name=ana&password={}", encode(flashnode_core::app::fake::TEST_PASSWORD));
    let answer = visitor.send(form("/sign-in", fields.clone())).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "no visit yet");
    visitor.get("/sign-in").await;
    let stranger = world.browser().get("/sign-in").await;
    assert!(stranger.headers.contains_key(header::SET_COOKIE));
    let answer = visitor.send(form("/sign-in", format!("{fields}&csrf={}", "A".repeat(43)))).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "somebody else's token");
    let answer = visitor.send(form("/sign-in", format!("{fields}&csrf={}", visitor.csrf))).await;
    assert_eq!((answer.status, answer.place()), (StatusCode::SEE_OTHER, "/"));
}

#[tokio::test]
async fn two_megabytes_of_password_are_not_read() {
    let world = World::good().await;
    let mut visitor = world.browser();
    visitor.get("/sign-in").await;
    let password = "a".repeat(2 << 20);
    let answer = visitor.post("/sign-in", &[("name", "ana"), ("password", &password)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.shows("larger") || answer.shows("too large"), "{}", answer.text);
    let console = Request::post("/api/v1/reset-password").extension(flashnode_web::Console);
    let console = console.header("content-type", "application/json");
    let body = format!("{{\"name\":\"ana\",\"password\":\"{password}\"}}");
    let answer = visitor.send(console.body(Body::from(body)).expect("a request")).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn every_answer_carries_the_policy() {
    let world = World::good().await;
    let owner = world.signed_in(Role::Owner).await;
    let rows = table(Options { gallery: true, insecure_preview: false });
    let paths =
        rows.iter().filter(|r| r.method == Method::GET && r.path != "/events").map(|r| r.path.to_owned());
    for path in paths.chain(["/none".to_owned()]) {
        let path = path
            .replace("{name}", "lnd")
            .replace("{edge}", "x")
            .replace("{verb}", "stop")
            .replace("{hash}", "0");
        for mut browser in [owner.clone(), world.browser()] {
            let answer = browser.get(&path).await;
            assert_eq!(answer.header("content-security-policy"), CSP, "{path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
            assert!(
                !answer.shows(" style=") && !answer.shows("<style"),
                "{path} has a style that the policy refuses"
            );
            assert!(
                !answer.shows(" onclick") && !answer.shows("<script>"),
                "{path} has a script that the policy refuses"
            );
        }
    }
    let wrong = Request::delete("/services").body(Body::empty()).expect("a request");
    let answer = world.browser().send(wrong).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("content-security-policy"), CSP);
    assert!(!CSP.contains("unsafe"));
}

#[tokio::test]
async fn the_session_cookie_is_for_this_box_alone() {
    let world = World::good().await;
    let mut visitor = world.browser();
    visitor.get("/sign-in").await;
    let password = flashnode_core::app::fake::TEST_PASSWORD;
    let answer = visitor.post("/sign-in", &[("name", "ana"), ("password", password)]).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-session-flashnode="), "{cookie}");
    for part in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"));
    assert_eq!(visitor.get("/").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn stepping_up_leads_back_to_the_page_and_never_off_the_box() {
    let world = World::good().await;
    let mut owner = world.signed_in(Role::Owner).await;
    let page = "/edges/electrs:bitcoind/rotate";
    assert_eq!(owner.get(page).await.place(), format!("/step-up?back={page}"));
    let password = flashnode_core::app::fake::TEST_PASSWORD;
    let wrong = owner.post("/step-up", &[("password", "wrong wrong wrong"), ("back", page)]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let right = owner.post("/step-up", &[("password", password), ("back", page)]).await;
    assert_eq!((right.status, right.place()), (StatusCode::SEE_OTHER, page));
    assert_eq!(owner.get(page).await.status, StatusCode::OK);
    for evil in ["//evil.example", "https://evil.example/", "/\\evil.example"] {
        let answer = owner.post("/step-up", &[("password", password), ("back", evil)]).await;
        assert_eq!(answer.place(), "/", "{evil}");
    }
    world.clock.forward(1);
    assert!(
        owner.get(page).await.place().starts_with("/step-up")
            || owner.get(page).await.place().starts_with("/sign-in")
    );
}
