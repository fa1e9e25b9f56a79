//! Memory and process limits by control group, on version 1 (one folder for each controller) and version 2 (one tree).
//!
//! The shim goes into the group, starts the service, and comes out again: so the service is held to its limit,
//! and the kernel cannot choose the shim, which must live to tell the tale, when memory runs out.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use flashnode_core::ports::runtime::Limits;

const ROOT: &str = "/sys/fs/cgroup";

/// Bubblewrap's own two processes count as well.
const OWN_PROCESSES: u32 = 2;

/// One service's group.
pub(crate) struct Group {
    version: Version,
    /// Its folders, for memory and for processes; the same one on version 2.
    folders: Vec<PathBuf>,
    /// The folders of the group that the shim came from.
    home: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Group {
    /// Makes the group, sets its limits and moves this process into it. The error says in words what is missing.
    pub(crate) fn enter(path: &Path, limits: &Limits) -> Result<Self, String> {
        Self::enter_below(Path::new(ROOT), path, limits)
    }

    fn enter_below(root: &Path, path: &Path, limits: &Limits) -> Result<Self, String> {
        let refused = |error: io::Error| {
            format!("limits on memory and processes do not apply: the control group cannot be used ({error})")
        };
        let version =
            version(root).ok_or("limits on memory and processes do not apply: no control groups here")?;
        let group = Self::make(root, version, path).map_err(refused)?;
        group.limit(limits).and_then(|()| group.join()).map_err(|error| {
            group.remove();
            refused(error)
        })?;
        Ok(group)
    }

    fn make(root: &Path, version: Version, path: &Path) -> io::Result<Self> {
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let bases: &[&str] = if version == Version::One { &["memory", "pids"] } else { &[""] };
        let folders: Vec<PathBuf> = bases.iter().map(|base| root.join(base).join(path)).collect();
        let home = bases.iter().map(|base| root.join(base).join(own_group(&own, base))).collect();
        for folder in &folders {
            if version == Version::Two {
                delegate(root, path)?;
            }
            fs::create_dir_all(folder)?;
        }
        Ok(Self { version, folders, home })
    }

    fn limit(&self, limits: &Limits) -> io::Result<()> {
        let bytes = limits.memory_mib.saturating_mul(1024 * 1024).to_string();
        let processes = (limits.pids.saturating_add(OWN_PROCESSES)).to_string();
        let memory = &self.folders[0];
        match self.version {
            Version::One => {
                // Where swap is accounted for, a limit below the old one must be lowered in this order.
                fs::write(memory.join("memory.limit_in_bytes"), &bytes)?;
                let _ = fs::write(memory.join("memory.memsw.limit_in_bytes"), &bytes);
            }
            Version::Two => {
                fs::write(memory.join("memory.max"), &bytes)?;
                let _ = fs::write(memory.join("memory.swap.max"), "0");
            }
        }
        let last = self.folders.last().unwrap_or(memory);
        fs::write(last.join("pids.max"), processes)
    }

    fn join(&self) -> io::Result<()> {
        self.folders.iter().try_for_each(|folder| move_here(folder))
    }

    /// Moves this process back to where it came from; what it started stays in the group.
    pub(crate) fn leave(&self) -> io::Result<()> {
        self.home.iter().try_for_each(|folder| move_here(folder))
    }

    /// How many processes of the group the kernel has killed because memory ran out.
    pub(crate) fn memory_kills(&self) -> u64 {
        let file = if self.version == Version::One { "memory.oom_control" } else { "memory.events" };
        keyed(&self.folders[0].join(file), "oom_kill")
    }

    /// Removes the group; its last processes may take a moment to go.
    pub(crate) fn remove(&self) {
        for folder in &self.folders {
            for _ in 0..50 {
                match fs::remove_dir(folder) {
                    Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                        std::thread::sleep(Duration::from_millis(10));
                    }
                    _ => break,
                }
            }
            // The box's own folder goes with its last service.
            let _ = folder.parent().map(fs::remove_dir);
        }
    }
}

/// Memory that the group at `path` uses without what the kernel can drop at once, in bytes.
pub(crate) fn memory_used(path: &Path) -> Option<u64> {
    let (folder, usage, inactive) = match version(Path::new(ROOT))? {
        Version::One => (Path::new(ROOT).join("memory"), "memory.usage_in_bytes", "total_inactive_file"),
        Version::Two => (PathBuf::from(ROOT), "memory.current", "inactive_file"),
    };
    let folder = folder.join(path);
    let used: u64 = fs::read_to_string(folder.join(usage)).ok()?.trim().parse().ok()?;
    Some(used.saturating_sub(keyed(&folder.join("memory.stat"), inactive)))
}

fn version(root: &Path) -> Option<Version> {
    if root.join("cgroup.controllers").exists() {
        Some(Version::Two)
    } else if root.join("memory/cgroup.procs").exists() && root.join("pids/cgroup.procs").exists() {
        Some(Version::One)
    } else {
        None
    }
}

/// Hands the two controllers down to every folder above the group (version 2 does not do so by itself).
fn delegate(root: &Path, path: &Path) -> io::Result<()> {
    let mut folder = root.to_owned();
    for part in path {
        // The root's set may be managed by an init system that has already done so.
        let _ = fs::write(folder.join("cgroup.subtree_control"), "+memory +pids");
        folder.push(part);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The group of this process for a controller, out of `/proc/self/cgroup` (cgroups(7)), as a relative path.
fn own_group(text: &str, controller: &str) -> PathBuf {
    let path = text.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, names, path) = (fields.next()?, fields.next()?, fields.next()?);
        names.split(',').any(|name| name == controller).then_some(path)
    });
    PathBuf::from(path.unwrap_or("/").trim_start_matches('/'))
}

fn move_here(folder: &Path) -> io::Result<()> {
    fs::write(folder.join("cgroup.procs"), std::process::id().to_string())
}

/// The number after a word at the start of a line.
fn keyed(file: &Path, word: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' ')?.trim().parse().ok());
    value.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found_on_both_versions() {
        let one = "9:name=systemd:/\n8:pids:/a\n4:cpu,memory:/b/c\n0::/\n";
        assert_eq!(own_group(one, "memory"), Path::new("b/c"));
        assert_eq!(own_group(one, "pids"), Path::new("a"));
        assert_eq!(
            own_group("0::/system.slice/flashnode.service\n", ""),
            Path::new("system.slice/flashnode.service")
        );
    }

    /// A machine has one version; plain folders stand in for the other, and show what would be written where.
    #[test]
    fn both_versions_write_their_limits() {
        let limits = Limits { memory_mib: 2, pids: 10, files: 0 };
        let me = std::process::id().to_string();
        for (marks, memory, processes) in [
            (vec!["cgroup.controllers"], "f/s/memory.max", "f/s/pids.max"),
            (
                vec!["memory/cgroup.procs", "pids/cgroup.procs"],
                "memory/f/s/memory.limit_in_bytes",
                "pids/f/s/pids.max",
            ),
        ] {
            let root = tempfile::tempdir().expect("a temporary folder");
            for mark in &marks {
                let mark = root.path().join(mark);
                fs::create_dir_all(mark.parent().expect("a folder")).expect("a folder");
                fs::write(mark, "").expect("a file");
            }
            let group = Group::enter_below(root.path(), Path::new("f/s"), &limits).expect("entered");
            let read = |file: &str| fs::read_to_string(root.path().join(file)).expect("written");
            assert_eq!((read(memory), read(processes)), ("2097152".to_owned(), "12".to_owned()));
            for folder in &group.folders {
                assert_eq!(fs::read_to_string(folder.join("cgroup.procs")).expect("joined"), me);
            }
            if marks.len() == 1 {
                assert_eq!(read("cgroup.subtree_control"), "+memory +pids");
                assert_eq!(read("f/cgroup.subtree_control"), "+memory +pids");
                assert!(
                    !root.path().join("f/s/cgroup.subtree_control").exists(),
                    "a group with members hands nothing down"
                );
                fs::write(root.path().join("f/s/memory.events"), "low 0\noom 3\noom_kill 2\n")
                    .expect("events");
                assert_eq!(group.memory_kills(), 2);
            }
        }
    }
}
