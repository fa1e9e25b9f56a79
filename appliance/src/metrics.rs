//! `/metrics` for Prometheus, from the last pass's status: on a listener of its own, loopback unless the boot file
//! says otherwise. Answers nothing else.

use std::{fmt::Write as _, net::SocketAddr, sync::Arc};

use axum::{Router, extract::State, http::header, response::IntoResponse, routing::get};
use flashnode_core::{
    control::{Actor, Control, Reply, Request, StatusView},
    node::health::Health,
};
use tokio_util::sync::CancellationToken;

/// Serves until `shutdown`.
pub async fn serve(
    listen: SocketAddr,
    control: Arc<dyn Control>,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let router = Router::new().route("/metrics", get(metrics)).with_state(control);
    let listener = tokio::net::TcpListener::bind(listen).await?;
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

async fn metrics(State(control): State<Arc<dyn Control>>) -> impl IntoResponse {
    let actor = Actor { who: "metrics".to_owned(), from: "loopback".to_owned() };
    let text = match control.ask(&actor, Request::Status).await {
        Ok(Reply::Status(status)) => render(&status),
        _ => "flashnode_up 0\n".to_owned(),
    };
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

/// Prometheus' text format. Names of services are our own: nothing to escape.
fn render(status: &StatusView) -> String {
    let mut out = String::from(
        "# HELP flashnode_up Whether the supervisor answers.\n# TYPE flashnode_up gauge\nflashnode_up 1\n",
    );
    let mut gauge = |name: &str, help: &str, rows: Vec<(String, u64)>| {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in rows {
            let _ = writeln!(out, "{name}{labels} {value}");
        }
    };
    let of = |value: fn(&Health) -> u64| {
        status
            .services
            .iter()
            .map(|s| (format!("{{service=\"{}\"}}", s.name), value(&s.health)))
            .collect::<Vec<_>>()
    };
    gauge(
        "flashnode_service_good",
        "Whether the service does its work.",
        of(|h| u64::from(*h == Health::Good)),
    );
    let loaded = |health: &Health| match health {
        Health::Loading { basis_points } => u64::from(*basis_points),
        Health::Good => 10_000,
        _ => 0,
    };
    gauge("flashnode_service_loaded_basis_points", "How far the service has caught up.", of(loaded));
    let one = |value: u64| vec![(String::new(), value)];
    gauge("flashnode_block_height", "Height of the chain.", one(status.block_height.unwrap_or(0)));
    gauge("flashnode_disk_free_bytes", "Free space where the box keeps its data.", one(status.disk.free));
    gauge("flashnode_alarms", "Alarms that nobody has acknowledged.", one(status.alarms.len() as u64));
    gauge(
        "flashnode_generation",
        "The committed wanted state.",
        one(u64::try_from(status.generation.0).unwrap_or(0)),
    );
    gauge("flashnode_locked", "Whether the box is locked.", one(u64::from(status.locked)));
    out
}
