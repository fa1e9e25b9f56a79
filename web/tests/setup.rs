//! First run: the claim code, the wizard from end to end, reloads, two browsers.

use axum::http::StatusCode;
use flashnode_core::{control::Request as Ask, types::Network};

use crate::world::{Answer, Browser, World};

const CODE: &str = "ABCDE-FGHJK";
const PASSWORD: &str = "three blue whales";

async fn claim(browser: &mut Browser) -> Answer {
    browser.get("/claim").await;
    browser.post("/claim", &[("code", CODE)]).await
}

fn asked_for(page: &Answer) -> Vec<usize> {
    page.text.split("name=\"word.").skip(1).filter_map(|rest| rest.split('"').next()?.parse().ok()).collect()
}

async fn confirm(world: &World, browser: &mut Browser, right: bool) -> Answer {
    let page = browser.get("/setup/confirm").await;
    let positions = asked_for(&page);
    assert_eq!(positions.len(), 4, "{}", page.text);
    let words = world.control.with(|s| s.words.clone());
    let answers: Vec<(String, String)> = positions
        .iter()
        .map(|at| {
            (
                format!("word.{at}"),
                if right { format!(" {} ", words[at - 1].to_uppercase()) } else { "zoo".to_owned() },
            )
        })
        .collect();
    let fields: Vec<(&str, &str)> = answers.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    browser.post("/setup/confirm", &fields).await
}

#[tokio::test]
async fn a_new_box_sends_everybody_to_its_claim_page() {
    let world = World::fresh().await;
    for path in ["/", "/services", "/sign-in", "/settings"] {
        assert_eq!(world.browser().get(path).await.place(), "/claim", "{path}");
    }
}

#[tokio::test]
async fn a_wrong_code_is_told_calmly_and_counts() {
    let world = World::fresh().await;
    let mut browser = world.browser();
    browser.get("/claim").await;
    let answer = browser.post("/claim", &[("code", "AAAAA-AAAAA")]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.shows("not the claim code") && answer.shows("role=\"alert\""), "{}", answer.text);
    assert!(!answer.shows("AAAAA-AAAAA"), "what was typed is not repeated");
    assert!(browser.get("/setup/owner").await.place().starts_with("/claim"));
}

#[tokio::test]
async fn one_stranger_does_not_burn_the_claim_code() {
    let world = World::fresh().await;
    let mut stranger = world.browser();
    stranger.get("/claim").await;
    let mut last = StatusCode::OK;
    for _ in 0..20 {
        last = stranger.post("/claim", &[("code", "AAAAA-AAAAA")]).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let asked = world.control.requests().iter().filter(|(_, ask)| matches!(ask, Ask::Claim { .. })).count();
    assert_eq!(asked, 5, "the supervisor is asked five times a minute at most");
}

#[tokio::test]
async fn the_wizard_walks_from_claim_to_home() {
    let world = World::fresh().await;
    let mut browser = world.browser();
    assert_eq!(claim(&mut browser).await.place(), "/setup");
    assert_eq!(browser.get("/setup").await.place(), "/setup/owner");
    assert_eq!(browser.get("/setup/summary").await.place(), "/setup/owner", "no step is skipped");
    browser.get("/setup/owner").await;
    let short = browser.post("/setup/owner", &[("name", "ana"), ("password", "short")]).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        short.shows("value=\"ana\"") && !short.shows("value=\"short\""),
        "the name stays, the password does not"
    );
    let place = browser.post("/setup/owner", &[("name", "ana"), ("password", PASSWORD)]).await;
    assert_eq!(place.place(), "/setup/network");
    assert_eq!(browser.post("/setup/network", &[("network", "regtest")]).await.place(), "/setup/services");
    assert_eq!(browser.post("/setup/services", &[("flavour", "knots")]).await.place(), "/setup/keys");
    let keys = browser.get("/setup/keys").await;
    let words = world.control.with(|s| s.words.clone());
    assert!(words.iter().all(|word| keys.shows(&format!("<li>{word}</li>"))), "all 24 are shown");
    assert!(keys.shows("test network"));
    assert_eq!(confirm(&world, &mut browser, false).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(confirm(&world, &mut browser, true).await.place(), "/setup/recovery");
    assert_eq!(
        browser.get("/setup/keys").await.place(),
        "/setup/recovery",
        "confirmed words are never shown again"
    );
    let differ = [("way", "own"), ("passphrase", "one two three four"), ("again", "five six seven")];
    assert_eq!(browser.post("/setup/recovery", &differ).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let code = browser.post("/setup/recovery", &[("way", "code")]).await;
    assert_eq!(code.status, StatusCode::OK);
    let set = world.control.with(|s| s.recovery.clone()).expect("it is set");
    assert!(code.shows(&set), "the code is shown once");
    let summary = browser.get("/setup/summary").await;
    assert!(summary.shows("ana") && summary.shows("Bitcoin Knots"), "{}", summary.text);
    let before = browser.cookies.clone();
    let done = browser.post("/setup/summary", &[]).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert!(done.shows("content=\"4;url=/\""), "it leads home by itself: {}", done.text);
    assert_ne!(before, browser.cookies, "the session is a new one");
    assert!(browser.get("/").await.status.is_success());
    let commits = world
        .control
        .requests()
        .iter()
        .filter(|(_, ask)| matches!(ask, Ask::Commit { network: Network::Regtest, .. }))
        .count();
    assert_eq!(commits, 1);
    assert_eq!(world.browser().get("/claim").await.place(), "/", "no second claim");
}

#[tokio::test]
async fn reloads_and_steps_back_lose_nothing() {
    let world = World::fresh().await;
    let mut browser = world.browser();
    claim(&mut browser).await;
    browser.get("/setup/owner").await;
    browser.post("/setup/owner", &[("name", "ana"), ("password", PASSWORD)]).await;
    browser.post("/setup/network", &[("network", "signet")]).await;
    assert!(browser.get("/setup/owner").await.shows("value=\"ana\""));
    let network = browser.get("/setup/network").await;
    assert!(network.shows("value=\"signet\" checked"), "{}", network.text);
    browser.post("/setup/network", &[("network", "regtest")]).await;
    browser.post("/setup/services", &[("flavour", "core"), ("prune", "on"), ("prune_gib", "20")]).await;
    let services = browser.get("/setup/services").await;
    assert!(services.shows("value=\"core\" checked") && services.shows("value=\"20\""), "{}", services.text);
    let first = browser.get("/setup/keys").await.text;
    let again = browser.get("/setup/keys").await.text;
    assert_eq!(first, again, "the same words after a reload");
    let (a, b) = (browser.get("/setup/confirm").await, browser.get("/setup/confirm").await);
    assert_eq!(asked_for(&a), asked_for(&b), "the same question after a reload");
}

#[tokio::test]
async fn of_two_browsers_one_sets_up() {
    let world = World::fresh().await;
    let (mut first, mut second) = (world.browser(), world.browser());
    claim(&mut first).await;
    first.get("/setup/owner").await;
    let late = claim(&mut second).await;
    assert!(late.status.is_client_error(), "the code works once: {}", late.status);
    world.control.with(|s| s.claim_code = Some("KJHGF-EDCBA".to_owned()));
    world.control.with(|s| s.setup.claimed = false);
    second.get("/claim").await;
    let answer = second.post("/claim", &[("code", "KJHGF-EDCBA")]).await;
    assert_eq!(answer.place(), "/setup", "{}", answer.text);
    let answer = first.post("/setup/owner", &[("name", "eve"), ("password", PASSWORD)]).await;
    assert_eq!(answer.place(), "/claim", "the older browser has to claim again");
    second.get("/setup/owner").await;
    let answer = second.post("/setup/owner", &[("name", "ana"), ("password", PASSWORD)]).await;
    assert_eq!(answer.place(), "/setup/network");
}
