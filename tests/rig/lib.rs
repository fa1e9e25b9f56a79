//! The rig: a real box per test, with its own folder, ports and user ids, driven through the command line as a
//! person would. It ends everything it started, by id, and keeps the folder of a failed test for a look.

pub mod ports;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// The flashnode binary of the same build as the test.
pub fn flashnode() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a file");
    let debug = test.ancestors().nth(2).expect("target/debug/deps/test");
    let binary = debug.join("flashnode");
    assert!(binary.exists(), "{} is missing: run `cargo build -p flashnode` first", binary.display());
    binary
}

/// Where `images/build.sh` keeps its results.
pub fn images() -> PathBuf {
    let cache = std::env::var("FLASHNODE_CACHE").unwrap_or_else(|_| "/var/cache/flashnode".to_owned());
    PathBuf::from(cache).join("images")
}

/// A box of its own.
pub struct TestBox {
    /// Its folder.
    pub dir: PathBuf,
    /// The first of its ports.
    pub base: u16,
    supervisor: Option<Child>,
    mounted: bool,
}

impl TestBox {
    /// A box that is not started. `extra` lines go into its boot file.
    pub fn new(name: &str, runtime: &str, extra: &str) -> Self {
        let base = ports::free_base();
        let dir = PathBuf::from("/var/tmp").join(format!("flashnode-test-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("a folder for the box");
        // Services' users pass through it.
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).expect("rights");
        // Its ports are free, so a box that has these user ids is one that an earlier test left behind.
        let _ = fs::remove_file(format!("/var/lib/flashnode-uids/{}", 70_000 + u32::from(base)));
        let boot = format!(
            "name = \"{name}-{}\"\nnetwork = \"regtest\"\nruntime = \"{runtime}\"\nlisten = \"127.0.0.1:{}\"\nport_base = {base}\nuid_base = {}\nimages = \"{}\"\n{extra}\n",
            std::process::id(),
            base - 1,
            70_000 + u32::from(base),
            images().display(),
        );
        fs::write(dir.join("flashnode.toml"), boot).expect("a boot file");
        Self { dir, base, supervisor: None, mounted: false }
    }

    /// The same on a file system of its own, of this size (as `mount -o size=` takes it).
    pub fn on_small_disk(name: &str, runtime: &str, extra: &str, size: &str) -> Self {
        let mut small = Self::new(name, runtime, extra);
        let boot = fs::read(small.dir.join("flashnode.toml")).expect("a boot file");
        let options = format!("size={size},mode=755");
        let done =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&small.dir).status();
        assert!(done.expect("mount runs").success(), "a small file system");
        fs::write(small.dir.join("flashnode.toml"), boot).expect("a boot file");
        small.mounted = true;
        small
    }

    /// Takes its daemons from another folder; before it is started.
    pub fn use_images(&self, images_dir: &Path) {
        let path = self.dir.join("flashnode.toml");
        let text = fs::read_to_string(&path).expect("a boot file");
        let own = text.replace(&images().display().to_string(), &images_dir.display().to_string());
        fs::write(path, own).expect("a boot file");
    }

    /// Where its pages are.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.base - 1)
    }

    /// Starts the supervisor; its log goes to `supervisor.log`.
    pub fn start(&mut self) {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.join("supervisor.log"))
            .expect("a log");
        let child = Command::new(flashnode())
            .args(["--box", self.dir.to_str().expect("UTF-8"), "supervise"])
            .env("FLASHNODE_LOG", "info")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("the supervisor starts");
        self.supervisor = Some(child);
    }

    /// Kills the supervisor with -9.
    pub fn kill_supervisor(&mut self) {
        if let Some(mut child) = self.supervisor.take() {
            child.kill().expect("kills");
            child.wait().expect("ends");
        }
    }

    /// Asks the supervisor to end, and waits for it.
    pub fn end_supervisor(&mut self) {
        if let Some(mut child) = self.supervisor.take() {
            let done = Command::new("kill").arg(child.id().to_string()).status().expect("kill runs");
            assert!(done.success(), "the supervisor can be asked to end");
            child.wait().expect("ends");
        }
    }

    /// Runs a verb of the command line.
    pub fn cli(&self, args: &[&str]) -> Output {
        Command::new(flashnode())
            .args(["--box", self.dir.to_str().expect("UTF-8")])
            .args(args)
            .stdin(Stdio::null())
            .output()
            .expect("the command line runs")
    }

    /// Runs a verb with `--json` that must succeed, and parses its answer.
    pub fn json(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let output = self.cli(&args);
        assert!(output.status.success(), "flashnode {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("flashnode {args:?}: {e}"))
    }

    /// Sets the box up without a browser.
    pub fn set_up(&self, more: &[&str]) -> Value {
        let password = self.dir.join("owner.password");
        fs::write(&password, "correct horse battery staple").expect("a password file");
        until(Duration::from_secs(30), "the console socket", || {
            self.dir.join("services/app/data/console.sock").exists()
        });
        let mut args = vec![
            "setup",
            "--owner",
            "ana",
            "--password-file",
            password.to_str().expect("UTF-8"),
            "--network",
            "regtest",
        ];
        args.extend(more);
        self.json(&args)
    }

    /// Waits until everything that is wanted is good, and says what `status` printed.
    pub fn wait_good(&self, seconds: u32) -> Value {
        let seconds = seconds.to_string();
        let output = self.cli(&["status", "--wait", "good", "--timeout", &seconds, "--json"]);
        if !output.status.success() {
            panic!(
                "not good within {seconds} s: {}\n{}",
                String::from_utf8_lossy(&output.stdout),
                self.supervisor_log()
            );
        }
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// One service of `status`.
    pub fn line(&self, name: &str) -> Value {
        let status = self.json(&["status"]);
        let services = status["services"].as_array().expect("services");
        services.iter().find(|s| s["name"] == name).unwrap_or_else(|| panic!("{name} in {status}")).clone()
    }

    /// The process id of a service's own program.
    pub fn pid(&self, name: &str) -> Option<u32> {
        let view = self.json(&["services", name]);
        view["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok())
    }

    /// Asks until it holds.
    pub fn until(&self, seconds: u64, what: &str, holds: impl Fn(&Self) -> bool) {
        until(Duration::from_secs(seconds), what, || holds(self));
    }

    /// The last lines of the supervisor's log.
    pub fn supervisor_log(&self) -> String {
        let text = fs::read_to_string(self.dir.join("supervisor.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// The newest file of this name under the specs of a service.
    pub fn spec_file(&self, service: &str, file: &str) -> PathBuf {
        let specs = self.dir.join("services").join(service).join("specs");
        let entries = fs::read_dir(&specs).expect("specs").flatten().map(|e| e.path().join(file));
        let newest =
            entries.filter(|p| p.exists()).max_by_key(|p| fs::metadata(p).and_then(|m| m.modified()).ok());
        newest.unwrap_or_else(|| panic!("{file} under {}", specs.display()))
    }
}

impl Drop for TestBox {
    fn drop(&mut self) {
        if self.supervisor.is_none() {
            self.start();
            std::thread::sleep(Duration::from_secs(2));
        }
        // The supervisor is this process's child: only we can take it off the list of processes.
        self.cli(&["shutdown", "--services"]);
        self.kill_supervisor();
        let ended = self.cli(&["shutdown", "--all"]);
        if !ended.status.success() {
            eprintln!(
                "{}: not everything ended: {}",
                self.dir.display(),
                String::from_utf8_lossy(&ended.stderr)
            );
        }
        remove_from_engine(&self.dir);
        if self.mounted {
            let _ = Command::new("umount").arg(&self.dir).status();
        }
        if std::thread::panicking() {
            eprintln!("the folder of the failed box is kept: {}", self.dir.display());
        } else {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// Containers and network that the box in this folder left in an engine, if there is one.
fn remove_from_engine(dir: &Path) {
    let label = format!("label=flashnode.folder={}", dir.display());
    for (list, remove) in [(["ps", "-aq"], ["rm", "-f"]), (["network", "ls"], ["network", "rm"])] {
        let quiet: &[&str] = if list[0] == "network" { &["-q"] } else { &[] };
        let Ok(found) = Command::new("docker").args(list).args(quiet).args(["--filter", &label]).output()
        else {
            return;
        };
        let ids = String::from_utf8_lossy(&found.stdout).into_owned();
        for id in ids.split_whitespace() {
            let _ = Command::new("docker")
                .args(remove)
                .arg(id)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}

/// Asks every quarter of a second until it holds.
pub fn until(patience: Duration, what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < patience, "{what} did not come within {patience:?}");
        std::thread::sleep(Duration::from_millis(250));
    }
}

/// Sends signal 9 to one process, by id; it may have ended by itself.
pub fn kill_9(pid: u32) {
    Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status().expect("kill runs");
}

/// Whether this process lives.
pub fn lives(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}
