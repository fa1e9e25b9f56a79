//! The shim: a small process between a service and the rest, in a session of its own, that outlives the supervisor.
//! It keeps the service's log and writes how it ended. Run as `flashnode shim --spec FILE --dir DIR`.
//!
//! Synchronous on purpose: there is one for each service, and it should cost next to nothing.
//! It must not know what the service is, nor ever restart it: that is decided elsewhere.

use std::{
    fs, io,
    io::{PipeReader, Read},
    os::{fd::AsRawFd, unix::process::ExitStatusExt},
    path::Path,
    process::{Child, Command, ExitCode, ExitStatus, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use flashnode_core::{
    ports::{
        clock::{Clock, SystemClock},
        runtime::{Exit, Limits},
    },
    types::Timestamp,
};
use rustix::{
    fs::FlockOperation,
    io::FdFlags,
    process::{Resource, Rlimit, Signal, getrlimit, setrlimit},
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use super::{
    cgroup::Group,
    logfile::{LogWriter, ROTATE_AT},
    record::{self, ASKED, Order, Process, RECORD, Record},
    sandbox,
};
use crate::adapters::logline::LineCutter;

/// How long the sandbox may take until the service's program is there.
const APPEARS_WITHIN: Duration = Duration::from_secs(10);

/// How long the last output may take after the end.
const LAST_OUTPUT_WITHIN: Duration = Duration::from_secs(2);

/// Runs the service of the order in `spec` until it ends, with log and record in `dir`.
///
/// The exit code says only whether the shim did its own work; how the service ended is in the record.
pub fn run(spec: &Path, dir: &Path) -> ExitCode {
    match keep(spec, dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("The shim could not do its work: {error}");
            ExitCode::FAILURE
        }
    }
}

fn keep(spec: &Path, dir: &Path) -> io::Result<()> {
    let order: Order = record::read(spec)?.ok_or(io::ErrorKind::NotFound)?;
    // A supervisor killed in the middle of a start may have left a shim that this one must not compete with.
    let lock = fs::File::create(dir.join("lock"))?;
    rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
    // An error means that it leads a session already, which is as good.
    let _ = rustix::process::setsid();
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let log = LogWriter::open(dir, ROTATE_AT)?;
    let mut record = begin(&order)?;
    let group = limit(&order, &mut record.notes);
    let started = start(&order);
    if let Some(Err(error)) = group.as_ref().map(Group::leave) {
        record.notes.push(format!("the shim shares the limits of its service ({error})"));
    }
    let (mut child, output, info) = match started {
        Ok(started) => started,
        Err(error) => return not_started(dir, record, group, &error),
    };
    let logged = pump_in_background(output, log);
    record.program = wait_for_program(info, &mut child);
    record::write(&dir.join(RECORD), &record)?;
    let (program, mark) = (record.program, dir.join(ASKED));
    std::thread::spawn(move || {
        for signal in signals.forever() {
            // The machine is going down, or a person says so: a service that ends now has not crashed.
            if signal != SIGHUP {
                let _ = fs::write(&mark, "");
                program.inspect(|program| program.signal(Signal::TERM));
            }
        }
    });
    let status = child.wait()?;
    // A program that left a child behind with our pipe must not keep us.
    let _ = logged.recv_timeout(LAST_OUTPUT_WITHIN);
    let out_of_memory = group.as_ref().is_some_and(|group| group.memory_kills() > 0);
    group.inspect(Group::remove);
    record.exit = Some(exit(status, out_of_memory, dir));
    // Last of all: once this is there, another shim may take the folder over.
    record::write(&dir.join(RECORD), &record)
}

fn begin(order: &Order) -> io::Result<Record> {
    Ok(Record {
        run: order.run.clone(),
        spec: order.spec.hash.clone(),
        boot: record::boot_id(),
        shim: Process::find(std::process::id()).ok_or(io::ErrorKind::NotFound)?,
        program: None,
        since: SystemClock.now(),
        notes: Vec::new(),
        failed: None,
        exit: None,
    })
}

fn not_started(dir: &Path, mut record: Record, group: Option<Group>, error: &io::Error) -> io::Result<()> {
    group.inspect(Group::remove);
    record.failed = Some(format!("bubblewrap could not be started: {error}"));
    record.exit =
        Some(Exit { code: None, signal: None, out_of_memory: false, at: SystemClock.now(), asked: false });
    record::write(&dir.join(RECORD), &record)
}

fn exit(status: ExitStatus, out_of_memory: bool, dir: &Path) -> Exit {
    // Bubblewrap reports a signal as shells do: 128 and its number. One that ended bubblewrap itself ended both.
    let (code, signal) = match (status.code(), status.signal()) {
        (Some(code @ 129..=192), _) => (None, Some(code - 128)),
        (code, signal) => (code, signal),
    };
    Exit { code, signal, out_of_memory, at: SystemClock.now(), asked: dir.join(ASKED).exists() }
}

fn limit(order: &Order, notes: &mut Vec<String>) -> Option<Group> {
    let limits = &order.spec.limits;
    let group = Group::enter(&order.group, limits);
    let by_user = group.is_err() && order.spec.user != 0 && rustix::process::geteuid().is_root();
    for (resource, wanted) in resources(limits, by_user) {
        if let Err(error) = lower(resource, wanted) {
            notes.push(format!("the limit {resource:?} could not be set to {wanted} ({error})"));
        }
    }
    group.map_err(|note| notes.push(note)).ok()
}

/// The kernel counts processes by user, not by service: so that one is only right where the user is the service's own.
fn resources(limits: &Limits, processes_by_user: bool) -> Vec<(Resource, u64)> {
    let mut resources = vec![(Resource::Nofile, limits.files), (Resource::Core, 0)];
    if processes_by_user {
        resources.push((Resource::Nproc, u64::from(limits.pids)));
    }
    resources
}

/// Sets a limit as far as we may: only root may go over the hard limit it was started with.
fn lower(resource: Resource, wanted: u64) -> rustix::io::Result<()> {
    let both = |value| Rlimit { current: Some(value), maximum: Some(value) };
    setrlimit(resource, both(wanted)).or_else(|error| match getrlimit(resource).maximum {
        Some(most) if most < wanted => setrlimit(resource, both(most)),
        _ => Err(error),
    })
}

/// Starts bubblewrap from this thread: its death signal follows the thread that started it.
fn start(order: &Order) -> io::Result<(Child, PipeReader, PipeReader)> {
    let bubblewrap = sandbox::bubblewrap().ok_or_else(|| io::Error::other("bwrap is not installed"))?;
    let (output, output_in) = io::pipe()?;
    let (info, info_in) = io::pipe()?;
    // The only other program this process ever starts is the one that shall inherit it.
    rustix::io::fcntl_setfd(&info_in, FdFlags::empty())?;
    let child = Command::new(bubblewrap)
        .args(sandbox::arguments(order, info_in.as_raw_fd()))
        .env_clear()
        .env("PATH", sandbox::PATH)
        .envs(&order.spec.env)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(output_in.try_clone()?)
        .stderr(output_in)
        .spawn()?;
    Ok((child, output, info))
}

/// Bubblewrap tells its pid 1; the service's program is that one's first child.
fn wait_for_program(mut info: PipeReader, child: &mut Child) -> Option<Process> {
    let deadline = Instant::now() + APPEARS_WITHIN;
    let mut text = Vec::new();
    let mut chunk = [0; 512];
    while !text.contains(&b'}') {
        match info.read(&mut chunk).ok()? {
            0 => return None,
            count => text.extend_from_slice(&chunk[..count]),
        }
    }
    let first = serde_json::from_slice::<serde_json::Value>(&text).ok()?.get("child-pid")?.as_u64()?;
    let mut pause = Duration::from_millis(1);
    loop {
        let found = record::processes().into_iter().find(|(_, stat)| u64::from(stat.parent) == first);
        if let Some((pid, stat)) = found {
            return Some(Process { pid, start: stat.start });
        }
        if Instant::now() > deadline || !matches!(child.try_wait(), Ok(None)) {
            return None;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

fn pump_in_background(output: PipeReader, log: LogWriter) -> mpsc::Receiver<()> {
    let (done, logged) = mpsc::channel();
    std::thread::spawn(move || {
        pump(output, log);
        // Nobody listens any more when the end took too long.
        let _ = done.send(());
    });
    logged
}

fn pump(mut output: PipeReader, mut log: LogWriter) {
    let mut cutter = LineCutter::default();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match output.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => break,
            Ok(count) => {
                let now: Timestamp = SystemClock.now();
                cutter.push(&chunk[..count], |line| log.add(now, &line));
                log.flush(now);
            }
        }
    }
    let now = SystemClock.now();
    cutter.finish().inspect(|line| log.add(now, line));
    log.flush(now);
}
