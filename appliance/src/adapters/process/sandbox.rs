//! What a service sees: the order turned into arguments for bubblewrap. Starts nothing itself.
//!
//! As root, bubblewrap sets the mounts up and `setpriv`, out of the service's own root, gives the rights away:
//! so no unprivileged user namespace is needed (many kernels forbid them) and the box folder may be closed to others.
//! Otherwise everything runs as the supervisor's own user in a user namespace.
//!
//! `--die-with-parent` ties the service to its shim, never to the supervisor. Bubblewrap's own pid 1 stays between
//! them, because a change of user would clear the service's death signal, and so that signals work as outside.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use flashnode_core::ports::runtime::{Mount, Spec};

use super::record::Order;

/// The search path where a spec names none.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Gives rights away inside the root; part of util-linux.
const SETPRIV: &str = "/usr/bin/setpriv";

/// Top-level folders that every sandbox has of its own.
const OWN_FOLDERS: [&str; 6] = ["dev", "proc", "sys", "tmp", "run", "lost+found"];

/// Files of the machine that a root cannot know when it is built.
const MACHINE_FILES: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];

/// What our own roles see of the host: its programs and libraries. They face the network, so nothing that tells of
/// the machine's people is among it.
const HOST_FOLDERS: [&str; 7] = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// And of its settings: how names are looked up, which authorities are trusted, what the time is here.
const HOST_FILES: [&str; 6] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/localtime",
    "/etc/ssl/certs",
    "/etc/ld.so.cache",
];

/// Where bubblewrap is, by the search path.
pub(crate) fn bubblewrap() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| PATH.into());
    std::env::split_paths(&path).map(|folder| folder.join("bwrap")).find(|file| file.is_file())
}

/// What must hold before a start, checked by the supervisor so that its error can say what to do.
pub(crate) fn check(order: &Order) -> Result<(), String> {
    let (root, spec) = (order.root.as_deref(), &order.spec);
    let service = &spec.service;
    if spec.command.is_empty() {
        return Err(format!("{service} has no command to run."));
    }
    let base = root.unwrap_or(Path::new("/"));
    let mut writable = vec![Path::new("/tmp"), Path::new("/run")];
    writable.extend(root.is_none().then_some(order.box_dir.as_path()));
    let in_memory = |inside: &Path| root.is_none() && !is_of_host(inside);
    if changes_user(spec) && !base.join(&SETPRIV[1..]).exists() {
        return Err(format!("{service} cannot be given its own user: {SETPRIV} is missing in its root."));
    }
    for mount in &spec.mounts {
        if !mount.host.exists() {
            return Err(format!("{service} cannot start: {} does not exist.", mount.host.display()));
        }
        if !in_memory(&mount.inside) && !has_mount_point(base, mount, &spec.mounts, &writable) {
            let inside = mount.inside.display();
            return Err(format!("{service} cannot start: its root has no folder {inside} to mount on."));
        }
    }
    Ok(())
}

/// A root is read-only, so bubblewrap can make mount points only at the top (which is ours), in folders in memory,
/// or inside other mounts.
fn has_mount_point(base: &Path, mount: &Mount, all: &[Mount], writable: &[&Path]) -> bool {
    let Ok(inside) = mount.inside.strip_prefix("/") else { return false };
    let at_top = inside.components().count() == 1;
    let in_another =
        all.iter().any(|other| other.inside != mount.inside && mount.inside.starts_with(&other.inside));
    let in_memory = writable.iter().any(|ours| mount.inside.starts_with(ours));
    at_top || in_another || in_memory || base.join(inside).exists()
}

fn changes_user(spec: &Spec) -> bool {
    rustix::process::geteuid().is_root() && spec.user != 0
}

/// The arguments of `bwrap`. Its information about the process goes to the file descriptor `info`.
pub(crate) fn arguments(order: &Order, info: i32) -> Vec<OsString> {
    let mut args = Arguments::default();
    for flag in ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--new-session"] {
        args.add([flag]);
    }
    args.add([
        "--die-with-parent",
        "--info-fd",
        &info.to_string(),
        "--hostname",
        order.spec.service.as_str(),
    ]);
    root(&mut args, order.root.as_deref());
    machine_files(&mut args, order.root.as_deref());
    if order.root.is_none() {
        let hidden = order.box_dir.canonicalize().unwrap_or_else(|_| order.box_dir.clone());
        mounts(&mut args, &order.spec, Some(&hidden));
        args.path("--remount-ro", &hidden);
    } else {
        mounts(&mut args, &order.spec, None);
    }
    args.add(["--remount-ro", "/", "--chdir", "/", "--cap-drop", "ALL"]);
    command(&mut args, &order.spec);
    args.0
}

#[derive(Default)]
struct Arguments(Vec<OsString>);

impl Arguments {
    fn add<'a>(&mut self, words: impl IntoIterator<Item = &'a str>) {
        self.0.extend(words.into_iter().map(OsString::from));
    }

    fn path(&mut self, flag: &str, path: &Path) {
        self.0.extend([flag.into(), path.into()]);
    }

    fn pair(&mut self, flag: &str, source: &Path, inside: &Path) {
        self.0.extend([flag.into(), source.into(), inside.into()]);
    }
}

/// The top folder is ours, in memory; below it the root's own folders appear, read-only. Of the host's, only a few.
fn root(args: &mut Arguments, root: Option<&Path>) {
    let entries = fs::read_dir(root.unwrap_or(Path::new("/")))
        .map(|entries| entries.flatten().collect::<Vec<_>>())
        .unwrap_or_default();
    for entry in entries {
        let name = entry.file_name();
        let of_host = HOST_FOLDERS.iter().any(|known| name == *known);
        if OWN_FOLDERS.iter().any(|own| name == *own) || (root.is_none() && !of_host) {
            continue;
        }
        let inside = Path::new("/").join(&name);
        match fs::read_link(entry.path()) {
            Ok(target) => args.pair("--symlink", &target, &inside),
            Err(_) if entry.path().is_dir() => args.pair("--ro-bind", &entry.path(), &inside),
            Err(_) => {}
        }
    }
    args.add(["--dev", "/dev", "--proc", "/proc"]);
    for folder in ["/dev/shm", "/tmp", "/run"] {
        args.add(["--perms", "1777", "--tmpfs", folder]);
    }
}

/// Names come from the machine. On many machines the resolver's file is a link into `/run`, so what it leads to is
/// mounted in its place.
fn machine_files(args: &mut Arguments, root: Option<&Path>) {
    let files: &[&str] = if root.is_some() { &MACHINE_FILES } else { &HOST_FILES };
    if root.is_none() {
        args.add(["--dir", "/etc", "--dir", "/etc/ssl"]);
    }
    for file in files.iter().map(Path::new) {
        let Ok(real) = file.canonicalize() else { continue };
        // A link in a root would lead to another file than the one we looked at.
        let is_file = |root| fs::symlink_metadata(under(root, file)).is_ok_and(|found| found.is_file());
        if root.is_none_or(is_file) {
            args.pair("--ro-bind", &real, file);
        }
    }
}

/// Whether a path lies in what our own roles see of the host's; everything else is in memory.
fn is_of_host(inside: &Path) -> bool {
    HOST_FOLDERS.iter().chain(&["dev", "proc", "etc"]).any(|top| inside.starts_with(Path::new("/").join(top)))
}

fn under(root: &Path, inside: &Path) -> PathBuf {
    root.join(inside.strip_prefix("/").unwrap_or(inside))
}

fn mounts(args: &mut Arguments, spec: &Spec, hidden: Option<&Path>) {
    hidden.inspect(|hidden| args.path("--tmpfs", hidden));
    parents(args, spec, hidden);
    for mount in &spec.mounts {
        args.pair(if mount.writable { "--bind" } else { "--ro-bind" }, &mount.host, &mount.inside);
    }
}

/// Left to itself, bubblewrap closes the folders above a mount to everybody when the mount is closed to others.
fn parents(args: &mut Arguments, spec: &Spec, hidden: Option<&Path>) {
    let in_memory: Vec<&Path> = ["/tmp", "/run"].map(Path::new).into_iter().chain(hidden).collect();
    let is_made_here = |folder: &&Path| {
        let below = in_memory.iter().any(|ours| folder.starts_with(ours) && folder != ours);
        let beside = hidden.is_some_and(|hidden| !hidden.starts_with(folder))
            && !is_of_host(folder)
            && !in_memory.contains(folder);
        (below || beside) && !spec.mounts.iter().any(|mount| folder.starts_with(&mount.inside))
    };
    let above = spec.mounts.iter().flat_map(|mount| mount.inside.ancestors().skip(1)).filter(is_made_here);
    // Sorted: each after its parent.
    above.collect::<BTreeSet<&Path>>().into_iter().for_each(|folder| args.path("--dir", folder));
}

fn command(args: &mut Arguments, spec: &Spec) {
    if changes_user(spec) {
        let user = spec.user.to_string();
        for capability in ["cap_setuid", "cap_setgid", "cap_setpcap"] {
            args.add(["--cap-add", capability]);
        }
        args.add(["--", SETPRIV, "--reuid", &user, "--regid", &user, "--clear-groups"]);
        args.add(["--bounding-set=-all", "--inh-caps=-all"]);
    }
    args.add(["--"]);
    args.add(spec.command.iter().map(String::as_str));
}
