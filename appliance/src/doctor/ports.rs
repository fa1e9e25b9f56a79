//! Ports of the box that somebody else holds. Read from `/proc`: trying to bind would take a port from a service
//! that is just starting.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use flashnode_core::{config::Config, control::Finding};

use super::finding;

/// How many ancestors of a process are looked at.
const ANCESTORS: usize = 16;

/// Who listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Holder {
    /// A process below this box's folder.
    Ours,
    /// An engine's proxy: whose, only the engine knows.
    Proxy,
    /// Somebody else: program and process id.
    Other(String),
    /// It cannot be seen: it belongs to another user.
    Unseen,
}

/// `expected`: ports that the box's own running services hold, as far as the caller knows.
pub fn examine(box_dir: &Path, config: &Config, expected: &[u16]) -> Vec<Finding> {
    let own = config.port_base..config.port_base.saturating_add(100);
    let mut ports: BTreeSet<u16> = own.collect();
    ports.extend([config.listen.port()].into_iter().chain(config.listen_http.map(|a| a.port())));
    let mut listening = listening();
    listening.retain(|port, _| ports.contains(port));
    if listening.is_empty() {
        return Vec::new();
    }
    let holders = holders(&listening, box_dir);
    listening.keys().filter_map(|port| judge(*port, holders.get(port), expected.contains(port))).collect()
}

fn judge(port: u16, holder: Option<&Holder>, expected: bool) -> Option<Finding> {
    let who = match (holder.unwrap_or(&Holder::Unseen), expected) {
        (Holder::Ours, _) | (Holder::Proxy | Holder::Unseen, true) => return None,
        (Holder::Other(who), _) => who.as_str(),
        (Holder::Proxy, false) => "a container of this machine's engine",
        (Holder::Unseen, false) => "a program of another user",
    };
    Some(finding(
        "ports",
        true,
        format!("Port {port} belongs to this box, but {who} listens on it."),
        "Stop that program, or choose other ports by `listen` and `port_base` in flashnode.toml.",
    ))
}

/// Ports that are listened on, with the sockets' inodes.
fn listening() -> BTreeMap<u16, BTreeSet<u64>> {
    let mut found: BTreeMap<u16, BTreeSet<u64>> = BTreeMap::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for (port, inode) in parse(&fs::read_to_string(table).unwrap_or_default()) {
            found.entry(port).or_default().insert(inode);
        }
    }
    found
}

/// The user of each port that is listened on.
pub fn users() -> BTreeMap<u16, u32> {
    let mut found = BTreeMap::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let table = fs::read_to_string(table).unwrap_or_default();
        let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
        for fields in rows.filter(|fields| fields.get(3) == Some(&"0A")) {
            let port = fields[1].rsplit_once(':').and_then(|(_, port)| u16::from_str_radix(port, 16).ok());
            let user = fields.get(7).and_then(|user| user.parse().ok());
            found.extend(port.zip(user));
        }
    }
    found
}

fn parse(table: &str) -> Vec<(u16, u64)> {
    let row = |line: &str| -> Option<(u16, u64)> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, port) = fields.get(1)?.rsplit_once(':')?;
        (*fields.get(3)? == "0A").then_some(())?; // TCP_LISTEN
        Some((u16::from_str_radix(port, 16).ok()?, fields.get(9)?.parse().ok()?))
    };
    table.lines().skip(1).filter_map(row).collect()
}

fn holders(listening: &BTreeMap<u16, BTreeSet<u64>>, box_dir: &Path) -> BTreeMap<u16, Holder> {
    let mut found = BTreeMap::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let sockets: BTreeSet<u64> = fs::read_dir(process.path().join("fd"))
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|fd| inode(fs::read_link(fd.path()).ok()?.to_str()?))
            .collect();
        for (port, inodes) in listening {
            if !inodes.is_disjoint(&sockets) {
                found.insert(*port, holder(pid, box_dir));
            }
        }
    }
    found
}

fn inode(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// Ours is whatever runs below a shim or supervisor of this box: their arguments name its folder.
fn holder(pid: u32, box_dir: &Path) -> Holder {
    let folder = box_dir.to_string_lossy();
    let mut next = Some(pid);
    for _ in 0..ANCESTORS {
        let Some(pid) = next.filter(|pid| *pid > 1) else { break };
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if names(&String::from_utf8_lossy(&arguments), &folder) {
            return Holder::Ours;
        }
        next = parent(&fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default());
    }
    let program = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    match program.trim() {
        "docker-proxy" | "rootlessport" => Holder::Proxy,
        program => Holder::Other(format!("{program} (process {pid})")),
    }
}

/// Whether an argument is this folder or something in it; `/srv/box` is not part of `/srv/box2`.
fn names(arguments: &str, folder: &str) -> bool {
    arguments.split('\0').any(|argument| {
        argument.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

fn parent(status: &str) -> Option<u32> {
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_taken_by_somebody_else_is_named_with_the_program() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let port = listener.local_addr().expect("an address").port();
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut config = Config::read(dir.path()).expect("defaults");
        config.listen.set_port(port);
        // Far from whatever runs on the test machine.
        config.port_base = 1100;
        let found = examine(dir.path(), &config, &[port]);
        assert!(found.iter().any(|f| f.severe && f.problem.contains(&format!("Port {port} "))), "{found:?}");
        assert!(found.iter().any(|f| f.problem.contains(&std::process::id().to_string())), "{found:?}");
        drop(listener);
        assert!(examine(dir.path(), &config, &[]).iter().all(|f| !f.problem.contains(&port.to_string())));
    }

    #[test]
    fn our_own_services_are_not_found() {
        assert_eq!(judge(1, Some(&Holder::Ours), false), None);
        assert_eq!(judge(1, Some(&Holder::Proxy), true), None);
        assert!(judge(1, Some(&Holder::Proxy), false).is_some());
        assert!(judge(1, Some(&Holder::Other("nginx".to_owned())), true).is_some());
    }

    #[test]
    fn a_neighbour_boxs_processes_are_not_ours() {
        assert!(names("flashnode\0shim\0--dir\0/srv/box/services/lnd/run", "/srv/box"));
        assert!(names("flashnode\0--box\0/srv/box\0supervise", "/srv/box"));
        assert!(!names("flashnode\0--box\0/srv/box2\0supervise", "/srv/box"));
    }

    #[test]
    fn the_kernels_table_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:20FB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1\n\
             1: 0100007F:20FC 0100007F:1234 01 00000000:00000000 00:00000000 00000000     0        0 4243 1\n";
        assert_eq!(parse(table), vec![(8443, 4242)]);
    }
}
