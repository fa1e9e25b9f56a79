//! Starting roles: a runtime, logging, and what ends them.

use std::{future::Future, io::IsTerminal, path::PathBuf, process::ExitCode};

use anyhow::Context;
use flashnode_core::config::Config;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::exit::{FAILED, Failure};
use crate::{adapters::process::shim, roles};

/// Arguments of `app`.
#[derive(Debug, clap::Args)]
pub struct AppArgs {
    /// The folder with `app.json`, `tls.crt` and `tls.key`.
    #[arg(long, value_name = "DIR")]
    config: PathBuf,
}

/// Arguments of `shim`.
#[derive(Debug, clap::Args)]
pub struct ShimArgs {
    /// What to start.
    #[arg(long, value_name = "FILE")]
    spec: PathBuf,
    /// Where to keep log and exit record.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

/// The role `supervise`.
pub fn supervise(box_dir: PathBuf) -> Result<(), Failure> {
    let config = Config::read(&box_dir).map_err(Failure::config)?;
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    role(!journal, |shutdown| async move { roles::supervise::run(&box_dir, config, shutdown).await })
}

/// The role `app`.
pub fn app(args: &AppArgs) -> Result<(), Failure> {
    // Its shim stamps every line.
    role(false, |shutdown| async move { roles::app::run(&args.config, shutdown).await })
}

/// The shim: one thread, no runtime, as little memory as can be.
pub fn shim(args: &ShimArgs) -> ExitCode {
    shim::run(&args.spec, &args.dir)
}

/// A verb that asks, prints and ends.
pub fn briefly(verb: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(verb)
}

/// Two workers are plenty for a role that waits most of the time, and each costs memory.
fn role<F>(stamped: bool, start: impl FnOnce(CancellationToken) -> F) -> Result<(), Failure>
where
    F: Future<Output = anyhow::Result<()>>,
{
    log_to_stderr(stamped);
    keep_memory_private().map_err(|error| Failure::role(&error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(16)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let shutdown = CancellationToken::new();
        on_signals(shutdown.clone()).map_err(|error| Failure::role(&error))?;
        start(shutdown).await.map_err(|error| Failure::role(&error))
    })
}

/// Keys are in memory: a crash must not write them to a disk, and no other process of our user may look.
fn keep_memory_private() -> anyhow::Result<()> {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).context("cannot switch core dumps off")?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .context("cannot close this program's memory to others")
}

fn on_signals(shutdown: CancellationToken) -> anyhow::Result<()> {
    let listen = |kind| signal(kind).context("cannot listen for signals");
    let (mut term, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! { _ = term.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("asked to end");
        shutdown.cancel();
        // A second signal does not wait for anything.
        tokio::select! { _ = term.recv() => {}, _ = interrupt.recv() => {} }
        std::process::exit(FAILED.into());
    });
    Ok(())
}

/// Text for people, without times where whoever reads it adds them; JSON by `FLASHNODE_LOG_FORMAT=json`.
/// What is logged is set by `FLASHNODE_LOG` (`info`, `flashnode=debug`, …).
fn log_to_stderr(stamped: bool) {
    let filter = EnvFilter::try_from_env("FLASHNODE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let builder = builder.with_ansi(std::io::stderr().is_terminal()).with_target(false);
    let json = std::env::var("FLASHNODE_LOG_FORMAT").is_ok_and(|format| format == "json");
    let begun = match (json, stamped) {
        (true, _) => builder.json().try_init(),
        (false, false) => builder.without_time().try_init(),
        (false, true) => builder.try_init(),
    };
    if let Err(error) = begun {
        eprintln!("flashnode: the log could not be opened: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_leaves_no_core_and_cannot_be_looked_into() {
        keep_memory_private().expect("done");
        let limit = rustix::process::getrlimit(rustix::process::Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        let dumpable = rustix::process::dumpable_behavior().expect("readable");
        assert_eq!(dumpable, rustix::process::DumpableBehavior::NotDumpable);
    }
}
