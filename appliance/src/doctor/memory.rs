//! Memory, as the kernel tells it.

use flashnode_core::control::Finding;

use super::finding;

/// What a box on a public network wants in all, in MiB: bitcoind's cache, an index being built, and LND.
const WANTED_MIB: u64 = 3_500;

/// Below this much available, in MiB, something is about to be killed.
const DANGER_MIB: u64 = 256;

/// `real`: whether it is a public network, with its large databases.
pub fn examine(real: bool) -> Option<Finding> {
    judge(&std::fs::read_to_string("/proc/meminfo").ok()?, real)
}

fn judge(meminfo: &str, real: bool) -> Option<Finding> {
    let mib = |key: &str| -> Option<u64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        Some(line.trim().split(' ').next()?.parse::<u64>().ok()? / 1024)
    };
    let (total, available) = (mib("MemTotal")?, mib("MemAvailable")?);
    if available < DANGER_MIB {
        return Some(finding(
            "memory",
            true,
            format!(
                "Only {available} MiB of memory are available; the kernel may end a service at any time."
            ),
            "Stop other programs on this machine, switch optional services off, or add memory.",
        ));
    }
    (real && total < WANTED_MIB).then(|| {
        finding(
            "memory",
            false,
            format!("This machine has {total} MiB of memory; {WANTED_MIB} MiB and more are comfortable."),
            "It works, but the first download takes longer. Keep optional services off until it is done.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_memory_is_named() {
        let of =
            |total: u64, available: u64| format!("MemTotal: {total} kB\nMemAvailable:   {available} kB\n");
        assert!(judge(&of(8 << 20, 6 << 20), true).is_none());
        assert!(judge(&of(8 << 20, 100 << 10), false).is_some_and(|f| f.severe));
        assert!(judge(&of(2 << 20, 1 << 20), true).is_some_and(|f| !f.severe));
        assert!(judge(&of(2 << 20, 1 << 20), false).is_none());
        assert!(judge("nonsense", true).is_none());
    }
}
