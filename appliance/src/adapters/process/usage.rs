//! What a service uses, read from `/proc` and its control group.

use std::{collections::BTreeSet, fs, path::Path};

use flashnode_core::ports::runtime::Usage;

use super::{
    cgroup,
    record::{Process, Stat, processes},
};

/// What the program and everything it started use.
pub(crate) fn measure(program: Process, group: &Path) -> Usage {
    let family = family(program.pid, &processes());
    let ticks: u64 = family.iter().map(|(_, stat)| stat.ticks).sum();
    let memory =
        cgroup::memory_used(group).unwrap_or_else(|| family.iter().map(|(pid, _)| anonymous(*pid)).sum());
    Usage { memory, cpu_ms: ticks * 1000 / rustix::param::clock_ticks_per_second() }
}

/// The process and its descendants. Bubblewrap's pid 1 takes orphans over, so its family is taken whole.
fn family(pid: u32, all: &[(u32, Stat)]) -> Vec<(u32, Stat)> {
    let first = all.iter().find(|(other, _)| *other == pid).map_or(pid, |(_, stat)| stat.parent);
    let mut known = BTreeSet::from([first]);
    loop {
        let before = known.len();
        known.extend(
            all.iter()
                .filter(|(_, stat)| known.contains(&stat.parent))
                .map(|(pid, _)| *pid)
                .collect::<Vec<_>>(),
        );
        if known.len() == before {
            break;
        }
    }
    all.iter().filter(|(pid, _)| *pid != first && known.contains(pid)).copied().collect()
}

/// Memory of a process that no file stands behind, in bytes (`RssAnon` of `/proc/PID/status`).
fn anonymous(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kib = text
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:")?.trim().split(' ').next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
