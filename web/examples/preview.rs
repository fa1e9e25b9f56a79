//! Serves the pages over plain HTTP with a fake supervisor, for looking at them while writing them.
//!
//! `preview PORT STATE`: `good`, `loading`, `trouble`, `away`, `locked`, `member`, `operator`, `out` (signed out),
//! `claim`, or a step of set-up (`owner`, `network`, `services`, `keys`, `confirm`, `recovery`, `summary`).

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::Request,
    http::{HeaderValue, header},
    middleware::{Next, from_fn},
};
use flashnode_core::{
    access::{Client, Role, Session},
    app::App,
    control::{Flavour, ServiceChoice, fake::FakeControl},
    error::Result,
    node::{alerts::Alarm, alerts::AlarmKind, health::Health},
    ports::clock::SystemClock,
    types::{Network, Secret, ServiceName, Timestamp},
};
use flashnode_web::{Options, router};

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let port: u16 = args.next().and_then(|text| text.parse().ok()).unwrap_or(8080);
    let state = args.next().unwrap_or_else(|| "good".to_owned());
    let (app, token) = world(&state).await?;
    let options = Options { gallery: true, insecure_preview: true };
    let mut served = router(Arc::new(app), options);
    if let Some(token) = token {
        served = served.layer(from_fn(move |request, next| signed_in(token.clone(), request, next)));
    }
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://localhost:{port}/ ({state})");
    axum::serve(listener, served.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

async fn signed_in(token: String, mut request: Request, next: Next) -> axum::response::Response {
    let kept = request.headers().get(header::COOKIE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if let Ok(value) = HeaderValue::from_str(&format!("{kept}; session-flashnode={token}")) {
        request.headers_mut().insert(header::COOKIE, value);
    }
    next.run(request).await
}

async fn world(state: &str) -> Result<(App, Option<String>)> {
    let control = match state {
        "good" | "loading" | "trouble" | "away" | "locked" | "member" | "operator" | "out" => {
            FakeControl::good()
        }
        _ => FakeControl::fresh(),
    };
    dress(&control, state);
    if state == "locked" {
        let hosts = vec!["localhost".to_owned()];
        return Ok((App::new_locked("flashnode", hosts, Arc::new(control), Arc::new(SystemClock)), None));
    }
    let app = App::for_tests(control.clone()).await?;
    let role = match state {
        "good" | "loading" | "trouble" | "away" => Some(Role::Owner),
        "operator" => Some(Role::Operator),
        "member" => Some(Role::Member),
        _ => None,
    };
    let token = match role {
        Some(role) => {
            let new = app.session_for_tests(role).await?;
            let password = Secret::new(flashnode_core::app::fake::TEST_PASSWORD.to_owned());
            app.access()?.step_up(&new.session, &password, None, &client()).await?;
            Some(new.token.expose().clone())
        }
        None if matches!(state, "out" | "claim") => None,
        None => Some(walk(&app, state).await?),
    };
    control.with(|s| s.away = state == "away");
    Ok((app, token))
}

fn client() -> Client {
    Client { address: std::net::Ipv4Addr::LOCALHOST.into(), agent: "preview".to_owned() }
}

/// Times near now, so that ages read as they would.
fn dress(control: &FakeControl, state: &str) {
    let now = Timestamp(jiff::Timestamp::now().as_millisecond());
    if state == "loading" {
        control.set_health("bitcoind", Health::loading(9730, 10_000));
        control.set_health("electrs", Health::Waiting);
        control.set_health("lnd", Health::Starting);
    }
    control.with(|s| {
        for service in &mut s.services {
            service.since = service.since.map(|_| Timestamp(now.0 - 93_600_000));
            if state == "loading" && service.line.name.as_str() == "bitcoind" {
                service.line.seconds_left = Some(10_400);
            }
        }
        if state == "loading" {
            s.alarms.clear();
        }
        if state == "trouble" {
            let alarm = |id, kind, service, sentence: &str| Alarm {
                id,
                kind,
                service,
                sentence: sentence.to_owned(),
                since: Timestamp(now.0 - 7_200_000),
                gone: None,
                acknowledged: None,
            };
            let electrs = ServiceName::new("electrs");
            s.alarms = vec![
                alarm(9, AlarmKind::DataDamaged, Some(electrs), "Corruption: block checksum mismatch"),
                alarm(8, AlarmKind::DiskLow, None, "38 GB of 1 TB are free."),
            ];
        }
    });
    if state == "trouble" {
        let sentence = "electrs cannot read its index. It can be rebuilt from the chain.".to_owned();
        control.set_health("electrs", Health::Bad { sentence });
    }
}

/// Walks set-up up to this step.
async fn walk(app: &App, step: &str) -> Result<String> {
    let setup = app.setup()?;
    let new = setup.claim(&Secret::new("ABCDE-FGHJK".to_owned()), &client()).await?;
    let token = new.token.expose().clone();
    let steps = ["owner", "network", "services", "keys", "confirm", "recovery", "summary"];
    for done in steps.iter().take_while(|done| **done != step) {
        take(app, &new.session, done).await?;
    }
    Ok(token)
}

async fn take(app: &App, session: &Session, step: &str) -> Result<()> {
    let setup = app.setup()?;
    match step {
        "owner" => setup.owner(session, "ana", &Secret::new("three blue whales".to_owned())).await,
        "network" => setup.network(session, Network::Regtest).await,
        "services" => {
            let optional = vec![ServiceName::new("electrs")];
            let choice = ServiceChoice { bitcoind_flavour: Flavour::Knots, prune_mib: None, optional };
            setup.services(session, choice).await
        }
        "keys" => setup.words(session).await.map(|_| ()),
        "confirm" => {
            let words = setup.words(session).await?;
            let asked = setup.challenge(session).await?;
            let answers = asked.iter().filter_map(|at| Some((*at, words.get(usize::from(*at) - 1)?.clone())));
            setup.confirm(session, answers.collect()).await
        }
        _ => setup.recovery(session, None).await.map(|_| ()),
    }
}
