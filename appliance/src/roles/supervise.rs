//! The role `supervise`: the loop, the regtest world, and the control socket, until it is told to end.
//! Services go on running afterwards; the next supervisor adopts them.

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use flashnode_core::{
    config::Config,
    control::Control,
    error::chain,
    node::{catalog::APP, reconcile::task::Node, wanted::store as wanted},
    types::ServiceName,
};
use tokio_util::sync::CancellationToken;

use crate::{
    control::{self, Allowed, Limits, socket_of},
    metrics, sd_notify, wire,
};

/// How often a snapshot of `box.db` is taken.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(15 * 60);

/// How long a change may still bring others with it.
const SETTLES: Duration = Duration::from_secs(2);

/// How often the clock and the list of revoked versions are looked at.
const CHECK_EVERY: Duration = Duration::from_secs(5 * 60);

/// Supervises the box in `box_dir` until `shutdown`.
pub async fn run(box_dir: &Path, config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let metrics_at = config.metrics;
    let wired = wire::supervisor(box_dir, config).await?;
    resume(&wired.node, &box_dir.join("stopped")).await?;
    let ground = &wired.node.ground;
    let allowed = Allowed { supervisor: ground.own_uid, app: ground.user(&APP) };
    // Bound before anything runs: the second of two supervisors must find out before it acts.
    let listener = control::bind(&socket_of(box_dir), allowed)?;
    let supervisor: Arc<dyn Control> = wired.supervisor;
    tracing::info!(folder = %box_dir.display(), engine = wired.node.engine, "supervising {}", wired.node.config.name);
    sd_notify::ready();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(wired.node.clone().run(shutdown.clone().cancelled_owned()));
    tasks.spawn(wired.playground.run(shutdown.clone().cancelled_owned()));
    tasks.spawn(control::serve(listener, supervisor.clone(), allowed, Limits::default(), shutdown.clone()));
    tasks.spawn(check_machine(wired.node.clone(), shutdown.clone()));
    tasks.spawn(keep_snapshots(wired.node.clone(), wire::snapshots(box_dir), shutdown.clone()));
    if let Some(listen) = metrics_at {
        let ending = shutdown.clone();
        tasks.spawn(async move {
            if let Err(error) = metrics::serve(listen, supervisor, ending).await {
                tracing::error!(%listen, %error, "metrics cannot be served");
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            // A part that panicked would leave a box that looks alive and is not: end, and be started again.
            shutdown.cancel();
            tracing::error!(%error, "a part of the supervisor failed");
        }
    }
    sd_notify::stopping();
    wired.node.store.close().await;
    tracing::info!("the supervisor has ended; services go on running");
    Ok(())
}

/// What was stopped for a shutdown of the machine runs again; what the owner has stopped stays stopped.
/// The list is one service a line, as `flashnode shutdown` writes it.
async fn resume(node: &Node, list: &Path) -> anyhow::Result<()> {
    let Ok(text) = std::fs::read_to_string(list) else { return Ok(()) };
    let mut stopped: BTreeSet<ServiceName> =
        wanted::setting(&node.store, "stopped").await?.unwrap_or_default();
    stopped.retain(|name| !text.lines().any(|line| line == name.as_str()));
    wanted::set(&node.store, "stopped", &stopped).await?;
    std::fs::remove_file(list)?;
    Ok(())
}

async fn check_machine(node: Arc<Node>, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(CHECK_EVERY) => {}
            () = shutdown.cancelled() => return,
        }
        if let Err(error) = node.check_machine().await {
            tracing::error!(error = %chain(&error), "the machine could not be checked");
        }
    }
}

async fn keep_snapshots(node: Arc<Node>, dir: std::path::PathBuf, shutdown: CancellationToken) {
    loop {
        if let Err(error) = node.store.snapshot_rotating(&dir, wire::SNAPSHOTS).await {
            tracing::error!(%error, "no snapshot of the state database could be taken");
        }
        tokio::select! {
            () = tokio::time::sleep(SNAPSHOT_EVERY) => {}
            // A change seldom comes alone.
            () = async { node.worth_keeping.notified().await; tokio::time::sleep(SETTLES).await } => {}
            () = shutdown.cancelled() => return,
        }
    }
}
