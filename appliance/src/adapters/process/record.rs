//! What supervisor and shim tell each other, as files in the service's run folder: the order to run,
//! the record of what runs or how it ended, and the mark that its end was asked for.
//!
//! A record is replaced whole (written beside, synced, renamed), so a power cut leaves the old one or the new one.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use flashnode_core::{
    ports::runtime::{Exit, Spec},
    types::{SpecHash, Timestamp},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The order, under the run folder.
pub(crate) const ORDER: &str = "order.json";
/// The record, under the run folder.
pub(crate) const RECORD: &str = "record.json";
/// Exists once somebody asked the service to end.
pub(crate) const ASKED: &str = "asked";

/// Everything the shim has to know. It carries no secret: those are files that the spec mounts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Names this one start; the record repeats it.
    pub(crate) run: String,
    /// What to run.
    pub(crate) spec: Spec,
    /// The root folder, or none for the host's own file system.
    pub(crate) root: Option<PathBuf>,
    /// The box folder, hidden from programs that see the host.
    pub(crate) box_dir: PathBuf,
    /// The control group, relative to the hierarchy: `flashnode/BOX-HASH/SERVICE`.
    pub(crate) group: PathBuf,
}

/// A process that cannot be mistaken for a later one with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    /// Its process id.
    pub(crate) pid: u32,
    /// Its start, in clock ticks since the machine's (field 22 of `/proc/PID/stat`, proc(5)).
    pub(crate) start: u64,
}

/// What runs, or how it ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The order it answers.
    pub(crate) run: String,
    /// What it was started with.
    pub(crate) spec: SpecHash,
    /// The kernel's id of this boot: after another boot nothing of it can still run.
    pub(crate) boot: String,
    /// The shim.
    pub(crate) shim: Process,
    /// The service's own program, once it was seen.
    pub(crate) program: Option<Process>,
    /// Since when.
    pub(crate) since: Timestamp,
    /// What could not be done as wished, in sentences.
    pub(crate) notes: Vec<String>,
    /// Why it could not be started at all.
    pub(crate) failed: Option<String>,
    /// How it ended.
    pub(crate) exit: Option<Exit>,
}

impl Process {
    /// The process that has this number now, unless it has ended.
    pub(crate) fn find(pid: u32) -> Option<Self> {
        let stat = Stat::read(pid)?;
        (!matches!(stat.state, b'Z' | b'X')).then_some(Self { pid, start: stat.start })
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(self) -> bool {
        Self::find(self.pid) == Some(self)
    }

    /// Sends it a signal, if it still runs. The pidfd keeps a reused number from being hit.
    pub(crate) fn signal(self, signal: rustix::process::Signal) {
        use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else { return };
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return };
        if self.is_alive() {
            // It may have ended in between: that is what was wanted.
            let _ = pidfd_send_signal(handle, signal);
        }
    }
}

/// The fields of `/proc/PID/stat` that we use (proc(5)).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stat {
    /// `R`, `S`, `Z`, …
    pub(crate) state: u8,
    /// The parent.
    pub(crate) parent: u32,
    /// CPU time in clock ticks, its own and that of children it has waited for.
    pub(crate) ticks: u64,
    /// Start, in clock ticks since boot.
    pub(crate) start: u64,
}

impl Stat {
    /// Reads it; nothing when there is no such process.
    pub(crate) fn read(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // The name stands in parentheses and may contain anything, so count from the last one.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            state: *fields.first()?.as_bytes().first()?,
            parent: u32::try_from(number(1)?).ok()?,
            ticks: (11..=14).filter_map(number).sum(),
            start: number(19)?,
        })
    }
}

/// Every process of this machine with its parent.
pub(crate) fn processes() -> Vec<(u32, Stat)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| Some((pid, Stat::read(pid)?))).collect()
}

/// The kernel's id of this boot.
pub(crate) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// Reads a JSON file; nothing when it is not there.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::from),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a JSON file whole and for good.
pub(crate) fn write<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let line = "77 (a) b (c) S 5 77 77 0 -1 4194304 1 2 3 4 10 20 30 40 20 0 1 0 999 1 1";
        let stat = Stat::parse(line).expect("a stat line");
        assert_eq!((stat.state, stat.parent, stat.ticks, stat.start), (b'S', 5, 100, 999));
    }

    #[test]
    fn a_reused_number_is_another_process() {
        let me = Process::find(std::process::id()).expect("this process runs");
        assert!(me.is_alive());
        assert!(!Process { start: me.start + 1, ..me }.is_alive());
    }
}
