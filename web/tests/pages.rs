//! What pages show: fragments, errors, logs, languages, the locked box, sizes.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use flashnode_core::{
    access::Role,
    app::App,
    control::{Request as Ask, Verb, fake::FakeControl},
    error::Kind,
    node::health::Health,
    ports::{clock::SystemClock, runtime::LogLine},
    types::{ServiceName, Timestamp},
};
use flashnode_web::{Options, router};

use crate::world::{Browser, World};

#[tokio::test]
async fn home_says_in_one_sentence_how_it_is() {
    let world = World::good().await;
    let mut owner = world.signed_in(Role::Owner).await;
    assert!(owner.get("/").await.shows("<h1>Everything is fine</h1>"));
    world.control.set_health("bitcoind", Health::loading(9_730, 10_000));
    let mut later = World::over(world.control.clone()).await.signed_in(Role::Owner).await;
    let page = later.get("/").await;
    assert!(page.shows("Your node is catching up") && page.shows("97.3\u{a0}%"), "{}", page.text);
}

#[tokio::test]
async fn a_silent_supervisor_is_told_and_breaks_nothing() {
    let world = World::good().await;
    let mut owner = world.signed_in(Role::Owner).await;
    world.control.with(|s| s.away = true);
    let page = owner.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.shows("The supervisor is not answering yet"));
    let page = owner.get("/services").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.shows("not answering yet") && page.shows("<main"), "{}", page.text);
}

#[tokio::test]
async fn htmx_gets_the_fragment_and_the_back_button_the_page() {
    let world = World::good().await;
    let mut owner = world.signed_in(Role::Owner).await;
    for path in ["/", "/services", "/services/lnd", "/edges", "/alerts"] {
        let fragment = owner.look(path).await;
        assert!(!fragment.shows("<html") && fragment.shows("id=\"live\""), "{path}: {}", fragment.text);
        assert!(owner.get(path).await.shows(fragment.text.trim()), "{path}: page and fragment drift apart");
        for header in ["hx-history-restore-request", "hx-boosted"] {
            let request = Request::get(path).header("hx-request", "true").header(header, "true");
            let answer = owner.send(request.body(Body::empty()).expect("a request")).await;
            assert!(answer.shows("<html"), "{path} with {header}");
        }
    }
}

#[tokio::test]
async fn log_lines_are_text_whatever_they_hold() {
    let world = World::good().await;
    let lnd = ServiceName::new("lnd");
    let evil = "<script>alert(1)</script> \u{1b}[31mred\u{1b}[0m & <img src=x onerror=y>";
    let line = LogLine { at: Timestamp(0), text: evil.to_owned() };
    world.control.with(|s| s.logs.insert(lnd, vec![line]));
    let mut owner = world.signed_in(Role::Owner).await;
    for path in ["/services/lnd", "/services/lnd/log"] {
        let page = owner.get(path).await;
        assert!(!page.shows("<script>alert") && !page.shows("<img"), "{path}");
        assert!(page.shows("alert(1)"), "{path}: {}", page.text);
    }
    let file = owner.get("/services/lnd/log.txt").await;
    assert!(file.header("content-type").starts_with("text/plain"));
    assert!(file.header("content-disposition").starts_with("attachment"));
}

#[tokio::test]
async fn a_log_is_downloaded_whole_and_in_pieces() {
    let world = World::good().await;
    let lines = (0..12_001).map(|i| LogLine { at: Timestamp(0), text: format!("line {i}") }).collect();
    world.control.with(|s| s.logs.insert(ServiceName::new("lnd"), lines));
    let mut owner = world.signed_in(Role::Owner).await;
    let file = owner.get("/services/lnd/log.txt").await;
    assert_eq!(file.text.lines().count(), 12_001);
    assert!(file.text.ends_with(" line 12000\n"), "in order");
    let small = |ask: &Ask| !matches!(ask, Ask::Log { limit, .. } if *limit > 5_000);
    assert!(world.control.requests().iter().all(|(_, ask)| small(ask)), "never all of it at once");
}

#[tokio::test]
async fn a_search_comes_back_escaped_and_is_handed_on() {
    let world = World::good().await;
    let mut owner = world.signed_in(Role::Owner).await;
    let page = owner.get("/services/lnd/log?q=%22%3E%3Cscript%3E").await;
    assert!(!page.shows("\"><script>"), "{}", page.text);
    let searched = world
        .control
        .requests()
        .into_iter()
        .any(|(_, ask)| matches!(ask, Ask::Log { search: Some(text), .. } if text == "\"><script>"));
    assert!(searched, "core does the searching");
}

#[tokio::test]
async fn an_unknown_service_is_a_page_that_is_not_there() {
    let world = World::good().await;
    let mut owner = world.stepped_up(Role::Owner).await;
    for path in [
        "/services/nothing",
        "/services/NOT%20A%20NAME",
        "/services/lnd/act/explode",
        "/edges/x/rotate",
        "/x",
    ] {
        let answer = owner.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.shows("<h1>There is no such page</h1>"), "{path}");
    }
    let answer = owner.post("/services/nothing/act/stop", &[]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_service_is_restarted_after_the_page_has_said_what_that_means() {
    let world = World::good().await;
    let mut operator = world.signed_in(Role::Operator).await;
    let page = operator.get("/services/lnd/act/stop").await;
    assert!(page.shows("Nobody can pay or be paid over Lightning"), "{}", page.text);
    let answer = operator.post("/services/lnd/act/restart", &[]).await;
    assert_eq!(answer.place(), "/services/lnd");
    let (actor, _) = world
        .control
        .requests()
        .into_iter()
        .find(|(_, ask)| matches!(ask, Ask::Act { verb: Verb::Restart, name } if name.as_str() == "lnd"))
        .expect("it was ordered");
    assert_eq!(actor.who, "operator:operator");
}

#[tokio::test]
async fn a_rotation_says_first_what_restarts() {
    let world = World::good().await;
    let mut owner = world.stepped_up(Role::Owner).await;
    let page = owner.get("/edges/electrs:bitcoind/rotate").await;
    assert!(page.shows("What restarts") && page.shows("Bitcoin"), "{}", page.text);
    let begun = |world: &World| {
        world.control.requests().iter().any(|(_, ask)| matches!(ask, Ask::Rotate { dry_run: false, .. }))
    };
    assert!(!begun(&world), "reading rotates nothing");
    assert_eq!(owner.post("/edges/electrs:bitcoind/rotate", &[]).await.place(), "/edges");
    assert!(begun(&world));
}

#[tokio::test]
async fn a_change_is_read_before_it_is_applied() {
    let world = World::good().await;
    let mut owner = world.stepped_up(Role::Owner).await;
    let answer = owner.post("/updates", &[("name", "electrs"), ("what", "update")]).await;
    assert_eq!(answer.place(), "/updates/staged", "{}", answer.text);
    let page = owner.get("/updates/staged").await;
    let id = world.control.with(|s| s.staged.clone()).expect("staged").id;
    assert!(page.shows(&format!("value=\"{id}\"")), "{}", page.text);
    let stale = owner.post("/updates/staged", &[("staged", "another")]).await;
    assert!(stale.status.is_client_error(), "only what was read is applied: {}", stale.status);
    assert_eq!(owner.post("/updates/staged", &[("staged", &id)]).await.place(), "/services");
}

#[tokio::test]
async fn errors_speak_the_readers_language_and_keep_the_original() {
    let world = World::good().await;
    let mut owner = world.signed_in(Role::Owner).await;
    world.control.with(|s| s.fail_next = Some((Kind::Conflict, "LND is still unlocking.".to_owned())));
    let request = Request::get("/alerts?lang=es").body(Body::empty()).expect("a request");
    let answer = owner.send(request).await;
    assert!(answer.shows("lang=\"es\""), "{}", answer.text);
    let page = owner.get("/services/none").await;
    assert!(page.shows("Esta página no existe"), "{}", page.text);
}

#[tokio::test]
async fn language_and_theme_are_remembered() {
    let world = World::good().await;
    let mut visitor = world.browser();
    let page = visitor.get("/sign-in?lang=pt-BR&theme=dark").await;
    assert!(page.shows("lang=\"pt-BR\"") && page.shows("data-theme=\"dark\""));
    assert!(visitor.get("/sign-in").await.shows("<html lang=\"pt-BR\" data-theme=\"dark\">"));
    let request = Request::get("/sign-in").header(header::ACCEPT_LANGUAGE, "es-AR,es;q=0.9");
    let page = world.browser().send(request.body(Body::empty()).expect("a request")).await;
    assert!(page.shows("<html lang=\"es\" data-theme=\"system\">"));
}

#[tokio::test]
async fn a_locked_box_shows_one_page_and_unlocks() {
    let control = FakeControl::good();
    let app = App::new_locked(
        "flashnode",
        vec!["flashnode.test".to_owned()],
        Arc::new(control.clone()),
        Arc::new(SystemClock),
    );
    let router = router(Arc::new(app), Options::default());
    let mut browser = Browser { router, cookies: Default::default(), csrf: String::new() };
    browser.cookies.insert("__Host-session-flashnode".to_owned(), "x".to_owned());
    for path in ["/", "/services", "/claim", "/sign-in", "/settings"] {
        assert_eq!(browser.get(path).await.place(), "/locked", "{path}");
    }
    assert_eq!(browser.get("/api/v1/health").await.text, r#"{"health":"good","locked":true}"#);
    assert!(browser.get("/locked").await.shows("This box is locked"));
    let wrong = browser.post("/locked", &[("passphrase", "not this one, no")]).await;
    assert!(wrong.status.is_client_error() && wrong.shows("role=\"alert\""), "{}", wrong.text);
    let right = control.with(|s| s.recovery.clone()).expect("a passphrase");
    let opening = browser.post("/locked", &[("passphrase", &right)]).await;
    assert!(opening.shows("The box is opening"), "{}", opening.text);
    let mut last = StatusCode::OK;
    for _ in 0..6 {
        last = browser.post("/locked", &[("passphrase", "not this one, no")]).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS, "guesses are counted");
}

#[tokio::test]
async fn the_certificate_is_handed_out_to_anyone() {
    let world = World::good().await;
    let mut visitor = world.browser();
    let pem = visitor.get("/ca.crt").await;
    assert_eq!(pem.header("content-type"), "application/x-x509-ca-cert");
    assert!(pem.shows("BEGIN CERTIFICATE"));
    let profile = visitor.get("/ca.mobileconfig").await;
    assert_eq!(profile.header("content-type"), "application/x-apple-aspen-config");
    assert!(
        profile.shows("com.apple.security.root") && profile.shows("<data>RkFLRQ==</data>"),
        "{}",
        profile.text
    );
    let page = visitor.get("/trust").await;
    assert!(page.shows(&world.control.with(|s| s.ca.fingerprint.clone())));
}

#[tokio::test]
async fn the_first_page_fits_sixty_kilobytes() {
    let world = World::good().await;
    let owner = world.signed_in(Role::Owner).await;
    let gzipped = |path: String| {
        let mut owner = owner.clone();
        async move {
            let request = Request::get(&path).header(header::ACCEPT_ENCODING, "gzip").body(Body::empty());
            let answer = owner.send(request.expect("a request")).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert_eq!(answer.header("content-encoding"), "gzip", "{path}");
            (path, answer.bytes)
        }
    };
    let page = owner.clone().get("/").await.text;
    let linked = page.split("\"/static/").skip(1).filter_map(|rest| rest.split('"').next());
    let paths: std::collections::BTreeSet<String> = linked.map(|rest| format!("/static/{rest}")).collect();
    assert!(paths.iter().any(|p| p.ends_with("app.css")), "{paths:?}");
    let mut all = vec![gzipped("/".to_owned()).await];
    for path in paths {
        all.push(gzipped(path).await);
    }
    let total: usize = all.iter().map(|(_, bytes)| bytes).sum();
    assert!(total <= 60_000, "{total} bytes: {all:?}");
    let css = all.iter().find(|(path, _)| path.ends_with("app.css")).map_or(0, |(_, bytes)| *bytes);
    assert!(css < 12_000, "the stylesheet has {css} bytes");
}

#[tokio::test]
async fn assets_last_for_ever_under_their_hash_and_only_there() {
    let world = World::good().await;
    let mut visitor = world.browser();
    let url = flashnode_web::assets::url("app.css");
    assert_eq!(visitor.get(url).await.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(visitor.get("/static/000000000000/app.css").await.status, StatusCode::NOT_FOUND);
    assert_eq!(visitor.get("/static/x/..%2f..%2fCargo.toml").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_change_of_health_wakes_the_stream_and_says_nothing_else() {
    let world = World::good().await;
    let owner = world.signed_in(Role::Owner).await;
    let jar = owner.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("; ");
    let request = Request::get("/events").header("host", "flashnode.test").header("cookie", jar);
    let request = request.body(Body::empty()).expect("a request");
    let response = tower::ServiceExt::oneshot(world.router.clone(), request).await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.into_body().into_data_stream();
    let control = world.control.clone();
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        control.set_health("lnd", Health::Starting);
    });
    let mut heard = String::new();
    while heard.matches("event: status").count() < 2 {
        let next =
            tokio::time::timeout(std::time::Duration::from_secs(8), futures::StreamExt::next(&mut stream));
        let chunk = next.await.expect("in time").expect("goes on").expect("readable");
        heard.push_str(&String::from_utf8_lossy(&chunk));
    }
    assert!(heard.contains("data: look") && !heard.contains("lnd"), "{heard}");
}
