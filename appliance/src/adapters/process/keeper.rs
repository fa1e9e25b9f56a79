//! The supervisor's side of the shims: starting them, reading their records, asking services to end.
//!
//! A service is what its record says, checked against the kernel. A shim that is gone without having written an
//! exit was killed; the program died with it, and the cause stays unknown.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use flashnode_core::{
    ports::{
        PortError, PortResult,
        clock::{Clock, SystemClock},
        runtime::{Exit, Instance, InstanceState, LogFrom, LogPage, Spec, Usage},
    },
    types::ServiceName,
};
use rustix::process::Signal;
use sha2::{Digest, Sha256};

use super::{
    logfile,
    record::{self, ASKED, ORDER, Order, RECORD, Record},
    sandbox, usage,
};

/// How long a shim may take to say that it has started its service.
const STARTS_WITHIN: Duration = Duration::from_secs(15);

/// How long the kernel may take to end what was killed.
const DIES_WITHIN: Duration = Duration::from_secs(10);

/// One box's services.
pub(super) struct Keeper {
    box_dir: PathBuf,
    shim: PathBuf,
    /// Where the box's control groups are: boxes may share a name, but not a folder.
    group: PathBuf,
    /// Shims that this process started, so that their ends can be collected; also makes starts take turns.
    children: Mutex<Vec<Child>>,
}

impl Keeper {
    pub(super) fn new(box_dir: PathBuf, box_name: &str, shim: PathBuf) -> Self {
        let folder = hex::encode(Sha256::digest(box_dir.as_os_str().as_encoded_bytes()));
        let group = Path::new("flashnode").join(format!("{box_name}-{}", &folder[..8]));
        Self { box_dir, shim, group, children: Mutex::new(Vec::new()) }
    }

    fn folder(&self, service: &ServiceName) -> PathBuf {
        self.box_dir.join("services").join(service.as_str()).join("run")
    }

    fn record(&self, service: &ServiceName) -> PortResult<Option<Record>> {
        record::read(&self.folder(service).join(RECORD)).map_err(failed("reading its record", service))
    }

    pub(super) fn observe(&self) -> PortResult<BTreeMap<ServiceName, Instance>> {
        self.collect_ended();
        let mut found = BTreeMap::new();
        let Ok(entries) = fs::read_dir(self.box_dir.join("services")) else { return Ok(found) };
        for entry in entries.flatten() {
            let Some(service) = entry.file_name().to_str().and_then(|name| name.parse::<ServiceName>().ok())
            else {
                continue;
            };
            if let Some(record) = self.settled(&service)? {
                found.insert(service, instance(record));
            }
        }
        Ok(found)
    }

    /// The record, with an exit in it if nothing runs any more.
    fn settled(&self, service: &ServiceName) -> PortResult<Option<Record>> {
        let Some(record) = self.record(service)? else { return Ok(None) };
        if record.exit.is_some() || lives(&record) {
            return Ok(Some(record));
        }
        // The shim may have written its last word between our two looks.
        let Some(mut record) = self.record(service)? else { return Ok(None) };
        if record.exit.is_none() {
            if record.boot == record::boot_id() {
                record.program.inspect(|program| program.signal(Signal::KILL));
            }
            let folder = self.folder(service);
            let asked = folder.join(ASKED).exists();
            record.exit =
                Some(Exit { code: None, signal: None, out_of_memory: false, at: SystemClock.now(), asked });
            // Kept, so that the next look sees the same end and not a new one.
            record::write(&folder.join(RECORD), &record).map_err(failed("writing its record", service))?;
        }
        Ok(Some(record))
    }

    pub(super) fn start(&self, spec: Spec, root: Option<PathBuf>) -> PortResult<()> {
        let service = spec.service.clone();
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(record) = self.settled(&service)? {
            match (record.exit.is_none(), record.spec == spec.hash) {
                (true, true) => return Ok(()),
                (true, false) => {
                    let sentence = format!(
                        "{service} still runs with its older configuration; it must be stopped first."
                    );
                    return Err(PortError::Failed(sentence));
                }
                (false, _) => wait_until_gone(&service, &record)?,
            }
        }
        let order = self.order(spec, root);
        sandbox::check(&order).map_err(PortError::Failed)?;
        let child = self.spawn(&order).map_err(failed("starting its shim", &service))?;
        children.push(child);
        let child = children.last_mut();
        self.wait_until_started(&order, child)
    }

    fn order(&self, spec: Spec, root: Option<PathBuf>) -> Order {
        let run = hex::encode(rand::random::<[u8; 8]>());
        let group = self.group.join(spec.service.as_str());
        Order { run, spec, root, box_dir: self.box_dir.clone(), group }
    }

    fn spawn(&self, order: &Order) -> io::Result<Child> {
        let folder = self.folder(&order.spec.service);
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        remove_file(&folder.join(ASKED))?;
        let file = folder.join(ORDER);
        record::write(&file, order)?;
        // Nothing of ours goes along: neither pipes nor environment; the shim makes a session of its own.
        Command::new(&self.shim)
            .args([
                "shim".as_ref(),
                "--spec".as_ref(),
                file.as_os_str(),
                "--dir".as_ref(),
                folder.as_os_str(),
            ])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_else(|| sandbox::PATH.into()))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
    }

    fn wait_until_started(&self, order: &Order, mut child: Option<&mut Child>) -> PortResult<()> {
        let service = &order.spec.service;
        let deadline = Instant::now() + STARTS_WITHIN;
        loop {
            // Looked at before the record: a shim that has ended has also written all it will ever write.
            let ended = child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            match self.record(service)? {
                Some(record) if record.run == order.run => {
                    for note in &record.notes {
                        tracing::warn!(service.name = %service, "{service}: {note}");
                    }
                    return record
                        .failed
                        .map_or(Ok(()), |why| Err(PortError::Failed(format!("{service}: {why}"))));
                }
                _ if ended => {
                    let sentence =
                        format!("{service} did not start: its shim ended before it said anything.");
                    return Err(PortError::Failed(sentence));
                }
                _ if Instant::now() > deadline => {
                    return Err(PortError::Unreachable(format!(
                        "{service} is slow to start. We keep looking."
                    )));
                }
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    pub(super) async fn stop(&self, service: &ServiceName, grace: Duration) -> PortResult<()> {
        let Some(record) = self.settled(service)?.filter(|record| record.exit.is_none()) else {
            return Ok(());
        };
        let asked = self.folder(service).join(ASKED);
        fs::write(&asked, "").map_err(failed("noting that it shall end", service))?;
        // No program was seen: then only the shim can be told, and all ends with it.
        let target = record.program.unwrap_or(record.shim);
        target.signal(Signal::TERM);
        for (signal, within) in [(None, grace), (Some(Signal::KILL), DIES_WITHIN)] {
            signal.inspect(|signal| target.signal(*signal));
            if self.ends_within(service, within).await? {
                return Ok(());
            }
        }
        record.shim.signal(Signal::KILL);
        if self.ends_within(service, DIES_WITHIN).await? {
            return Ok(());
        }
        Err(PortError::Unreachable(format!("{service} does not end, even when killed. We keep trying.")))
    }

    async fn ends_within(&self, service: &ServiceName, within: Duration) -> PortResult<bool> {
        let deadline = Instant::now() + within;
        loop {
            if self.settled(service)?.is_none_or(|record| record.exit.is_some()) {
                return Ok(true);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            tokio::time::sleep(left.min(Duration::from_millis(20))).await;
        }
    }

    pub(super) fn usage(&self, service: &ServiceName) -> PortResult<Usage> {
        let program =
            self.settled(service)?.filter(|record| record.exit.is_none()).and_then(|record| record.program);
        let program = program.ok_or_else(|| PortError::Failed(format!("{service} is not running.")))?;
        Ok(usage::measure(program, &self.group.join(service.as_str())))
    }

    pub(super) fn log(&self, service: &ServiceName, from: &LogFrom, limit: usize) -> PortResult<LogPage> {
        let folder = self.folder(service);
        let page = logfile::read(&folder, from, limit).or_else(|error| match error.kind() {
            // The file was deleted by a rotation just now.
            io::ErrorKind::NotFound => logfile::read(&folder, from, limit),
            _ => Err(error),
        });
        page.map_err(failed("reading its log", service))
    }

    pub(super) fn remove(&self, service: &ServiceName) -> PortResult<()> {
        self.collect_ended();
        if self.settled(service)?.is_some_and(|record| record.exit.is_none()) {
            return Err(PortError::Failed(format!(
                "{service} still runs; it must be stopped before it is removed."
            )));
        }
        let folder = self.folder(service);
        let files = [ORDER, RECORD, ASKED].map(|name| folder.join(name));
        let removed =
            files.iter().try_for_each(|file| remove_file(file)).and_then(|()| logfile::remove(&folder));
        removed.map_err(failed("removing it", service))
    }

    fn collect_ended(&self) {
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }
}

fn lives(record: &Record) -> bool {
    record.boot == record::boot_id() && record.shim.is_alive()
}

/// The next instance needs the data folder for itself.
fn wait_until_gone(service: &ServiceName, record: &Record) -> PortResult<()> {
    let deadline = Instant::now() + DIES_WITHIN;
    let remains = || {
        let processes = [Some(record.shim), record.program];
        record.boot == record::boot_id() && processes.into_iter().flatten().any(record::Process::is_alive)
    };
    while remains() {
        if Instant::now() > deadline {
            let sentence =
                format!("{service} cannot start yet: its last process is still ending. We keep trying.");
            return Err(PortError::Unreachable(sentence));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn instance(record: Record) -> Instance {
    let pid = record.program.map(|program| program.pid);
    let running = InstanceState::Running { since: record.since, pid };
    Instance { spec: record.spec, state: record.exit.map_or(running, |exit| InstanceState::Exited { exit }) }
}

fn remove_file(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
        .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

fn failed(doing: &'static str, service: &ServiceName) -> impl Fn(io::Error) -> PortError {
    move |error| PortError::Failed(format!("{service}: {doing} failed: {error}"))
}
