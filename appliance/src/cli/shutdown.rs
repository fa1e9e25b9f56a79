//! `flashnode shutdown`: ends this box's processes in an order that loses nothing. Hidden; the uninstaller uses it.
//!
//! Under systemd it is called twice: `--services` while the unit still runs, and `--all` once the unit is stopped,
//! because systemd would start an ended supervisor again, and the supervisor an ended app.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use flashnode_core::{
    control::{Request, Verb},
    types::ServiceName,
};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::{
    net::UnixStream,
    time::{Instant, sleep},
};

use super::{
    Shell, answer, console,
    exit::{AWAY_CODE, FAILED, Failure},
    status,
};
use crate::control::socket_of;

/// Arguments of `shutdown`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Stop every service first, dependants before what they need, and at last the pages.
    #[arg(long)]
    all: bool,
    /// Stop every service, and leave supervisor and pages alone.
    #[arg(long, conflicts_with = "all")]
    services: bool,
}

/// The longest stop grace in the catalog is bitcoind's 15 minutes.
const PATIENCE: Duration = Duration::from_secs(16 * 60);

/// How long a role of ours may take to end: it promises ten seconds.
const ROLE: Duration = Duration::from_secs(30);

/// Names of services that were stopped here and not by the owner: the installer starts them again.
fn stopped_list(box_dir: &Path) -> PathBuf {
    box_dir.join("stopped")
}

pub(super) async fn run(shell: &Shell, args: &Args) -> Result<(), Failure> {
    if args.all || args.services {
        match stop_services(shell).await {
            Err(failure) if failure.code == AWAY_CODE => {
                shell.out.remark("The supervisor is not running, so services are left as they are.");
            }
            done => done?,
        }
    }
    if !args.services {
        end(shell, &socket_of(&shell.box_dir), "the supervisor").await?;
    }
    if args.all {
        end(shell, &console::socket_of(&shell.box_dir), "the pages").await?;
        nothing_left(&shell.box_dir).await?;
    }
    shell.out.done("It is done.")
}

async fn stop_services(shell: &Shell) -> Result<(), Failure> {
    let status = status::look(shell).await?;
    // Wanted, and not only running: one that is between two tries must not come up meanwhile.
    let wanted = status.services.iter().rev().filter(|line| line.wanted);
    let names: Vec<ServiceName> = wanted.map(|line| line.name.clone()).collect();
    // Written first: after a crash in between, all of them are started again.
    let list: String = names.iter().rev().map(|name| format!("{name}\n")).collect();
    if !names.is_empty() {
        fs::write(stopped_list(&shell.box_dir), list)?;
    }
    for name in &names {
        shell.out.remark(&format!("stopping {name}"));
        answer!(shell, Request::Act { name: name.clone(), verb: Verb::Stop } => Done)?;
        wait_for_end(shell, name).await?;
    }
    Ok(())
}

async fn is_running(shell: &Shell, name: &ServiceName) -> Result<bool, Failure> {
    let view = answer!(shell, Request::Service { name: name.clone() } => Service)?;
    Ok(view.since.is_some())
}

async fn wait_for_end(shell: &Shell, name: &ServiceName) -> Result<(), Failure> {
    let until = Instant::now() + PATIENCE;
    while is_running(shell, name).await? {
        if Instant::now() > until {
            return Err(Failure::new(
                FAILED,
                format!("{name} does not end. Look at `flashnode logs {name}`."),
            ));
        }
        sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}

/// The last look, by the kernel's own list: whoever deletes data next must know that nobody writes to it.
async fn nothing_left(box_dir: &Path) -> Result<(), Failure> {
    let until = Instant::now() + ROLE;
    loop {
        let left = shims(Path::new("/proc"), box_dir);
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > until {
            let sentence = format!(
                "These services of the box still run: {}. Start the supervisor and stop them: `flashnode stop NAME`.",
                left.join(", ")
            );
            return Err(Failure::new(FAILED, sentence));
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Services of this box that a shim keeps: `flashnode shim --spec BOX/services/NAME/…`.
fn shims(proc: &Path, box_dir: &Path) -> Vec<String> {
    let services = format!("{}/", box_dir.join("services").display());
    let name = |entry: fs::DirEntry| -> Option<String> {
        let arguments = fs::read(entry.path().join("cmdline")).ok()?;
        let arguments = String::from_utf8_lossy(&arguments).into_owned();
        let mut words = arguments.split('\0').skip_while(|word| *word != "shim").skip(1);
        words.find_map(|word| Some(word.strip_prefix(services.as_str())?.split('/').next()?.to_owned()))
    };
    fs::read_dir(proc).into_iter().flatten().flatten().filter_map(name).collect()
}

/// Asks whoever listens on this socket to end, and waits for it. The kernel says who that is: no file can be stale.
async fn end(shell: &Shell, socket: &Path, who: &str) -> Result<(), Failure> {
    let Ok(stream) = UnixStream::connect(socket).await else { return Ok(()) };
    let pid = stream.peer_cred()?.pid().and_then(Pid::from_raw);
    drop(stream);
    let Some(pid) = pid else {
        return Err(Failure::new(FAILED, format!("The process of {who} cannot be told from here.")));
    };
    shell.out.remark(&format!("ending {who}"));
    kill_process(pid, Signal::TERM).map_err(std::io::Error::from)?;
    let until = Instant::now() + ROLE;
    while test_kill_process(pid).is_ok() {
        if Instant::now() > until {
            return Err(Failure::new(
                FAILED,
                format!("The process {} of {who} does not end.", pid.as_raw_nonzero()),
            ));
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shim_that_still_runs_is_seen_and_a_neighbours_is_not() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let process = |pid: &str, arguments: &str| {
            fs::create_dir_all(dir.path().join(pid)).expect("made");
            fs::write(dir.path().join(pid).join("cmdline"), arguments).expect("written");
        };
        process("11", "flashnode\0shim\0--spec\0/srv/box/services/bitcoind/run/order.json\0--dir\0/x\0");
        process("12", "flashnode\0shim\0--spec\0/srv/box2/services/lnd/run/order.json\0");
        process("13", "less\0/srv/box/services/lnd/run/log.0\0");
        assert_eq!(shims(dir.path(), Path::new("/srv/box")), ["bitcoind"]);
    }
}
