//! A box folder and a runtime for one check; what is left running is ended when the check is over.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use flashnode::adapters::{docker::DockerRuntime, process::ProcessRuntime};
use flashnode_core::{
    ports::runtime::{Exit, ImageRef, InstanceState, Limits, LogFrom, Mount, Runtime, Spec},
    types::{ServiceName, SpecHash},
};

/// How long anything may take to happen.
const WITHIN: Duration = Duration::from_secs(40);

/// The user that services of a check run as.
pub const USER: u32 = 64_290;

/// Which runtime a check is tried on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bubblewrap and shims.
    Process,
    /// An engine.
    Docker,
}

/// One check's world.
pub struct Rig {
    /// The runtime under test.
    pub runtime: Arc<dyn Runtime>,
    /// Which one it is.
    pub kind: Kind,
    /// The box folder.
    pub box_dir: PathBuf,
    box_name: String,
    image: ImageRef,
    /// Keeps the folder until the end; none in a process that only helps.
    folder: Option<tempfile::TempDir>,
}

impl Rig {
    /// A fresh box on the process runtime.
    pub fn process() -> Self {
        Self::fresh(Kind::Process)
    }

    /// A fresh box on the engine, if one answers.
    pub async fn docker() -> Option<Self> {
        let rig = Self::fresh(Kind::Docker);
        match rig.runtime.describe().await {
            Ok(_) => {
                rig.runtime.prepare(&rig.image).await.expect("the base root can be imported");
                Some(rig)
            }
            Err(reason) => {
                println!("left out: {reason}");
                None
            }
        }
    }

    fn fresh(kind: Kind) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let name = format!("t{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut rig = Self::at(kind, folder.path().to_owned(), name);
        rig.folder = Some(folder);
        rig
    }

    /// The world of another process's check, by its folder and name.
    pub fn at(kind: Kind, box_dir: PathBuf, box_name: String) -> Self {
        let (_, hash, _) = base();
        let image = ImageRef::Built { name: "base".to_owned(), hash };
        Self { runtime: runtime(kind, &box_dir, &box_name), kind, box_dir, box_name, image, folder: None }
    }

    /// Another supervisor's view of the same box.
    pub fn again(&self) -> Arc<dyn Runtime> {
        runtime(self.kind, &self.box_dir, &self.box_name)
    }

    /// The box's name.
    pub fn box_name(&self) -> &str {
        &self.box_name
    }

    /// A service that runs this shell script, with `/data` to write and `/config` to read.
    pub fn spec(&self, name: &str, script: &str) -> Spec {
        let service: ServiceName = name.parse().expect("a name");
        let hash = SpecHash(format!("{:064x}", script.len()));
        let folder = self.box_dir.join("services").join(name);
        let (data, config) = (folder.join("data"), folder.join("specs").join(&hash.0));
        for path in [&data, &config] {
            fs::create_dir_all(path).expect("folders");
            give(path, 0o700);
        }
        let mount = |host, inside: &str, writable| Mount { host, inside: inside.into(), writable };
        Spec {
            service,
            hash,
            image: self.image.clone(),
            command: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            env: [("GREETING".to_owned(), "hello".to_owned())].into(),
            mounts: vec![mount(data, "/data", true), mount(config, "/config", false)],
            ports: Vec::new(),
            user: if is_root() { USER } else { 0 },
            limits: Limits { memory_mib: 256, pids: 64, files: 512 },
            stop_grace: Duration::from_secs(5),
            on_host: false,
        }
    }

    /// A file among the spec's files, as the supervisor would write it.
    pub fn spec_file(&self, spec: &Spec, name: &str, contents: &str) {
        let path = spec.mounts[1].host.join(name);
        fs::write(&path, contents).expect("write");
        give(&path, 0o400);
    }

    /// Starts a script.
    pub async fn start(&self, name: &str, script: &str) -> Spec {
        let spec = self.spec(name, script);
        self.runtime.start(&spec).await.expect("it starts");
        spec
    }

    /// The state of a service, once there is one.
    pub async fn state(&self, spec: &Spec) -> Option<InstanceState> {
        let mut all = self.runtime.observe().await.expect("it can be observed");
        all.remove(&spec.service).map(|instance| instance.state)
    }

    /// The process id of a running service.
    pub async fn pid(&self, spec: &Spec) -> u32 {
        match self.state(spec).await {
            Some(InstanceState::Running { pid: Some(pid), .. }) => pid,
            other => panic!("{} should run: {other:?}", spec.service),
        }
    }

    /// Waits for the end of a service.
    pub async fn exit(&self, spec: &Spec) -> Exit {
        let deadline = Instant::now() + WITHIN;
        loop {
            match self.state(spec).await {
                Some(InstanceState::Exited { exit }) => return exit,
                other if Instant::now() > deadline => panic!("{} should have ended: {other:?}", spec.service),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// The last lines of the log.
    pub async fn log(&self, spec: &Spec) -> Vec<String> {
        let page = self.runtime.log(&spec.service, LogFrom::Tail, 200).await.expect("a log");
        page.lines.into_iter().map(|line| line.text).collect()
    }

    /// Waits until a line of the log is this.
    pub async fn line(&self, spec: &Spec, wanted: &str) {
        let deadline = Instant::now() + WITHIN;
        while !self.log(spec).await.iter().any(|line| line == wanted) {
            assert!(Instant::now() < deadline, "never said '{wanted}': {:?}", self.log(spec).await);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if self.folder.is_none() {
            return;
        }
        let runtime = self.again();
        let cleanup = async move {
            for (service, _) in runtime.observe().await.unwrap_or_default() {
                // A failed check may leave anything; what cannot be removed shows in the next run.
                let _ = runtime.stop(&service, Duration::ZERO).await;
                let _ = runtime.remove(&service).await;
            }
        };
        // A check's own executor cannot wait inside a drop.
        let done = std::thread::spawn(|| {
            let executor = tokio::runtime::Builder::new_current_thread().enable_all().build();
            executor.map(|executor| executor.block_on(cleanup))
        });
        let _ = done.join();
    }
}

fn runtime(kind: Kind, box_dir: &Path, box_name: &str) -> Arc<dyn Runtime> {
    let (images, _, _) = base();
    let (dir, name) = (box_dir.to_owned(), box_name.to_owned());
    match kind {
        Kind::Process => Arc::new(ProcessRuntime::new(dir, name, images, flashnode_binary())),
        Kind::Docker => Arc::new(DockerRuntime::connect(dir, name, images).expect("an address of an engine")),
    }
}

/// The folder of built images, the hash of the base root, and the root.
pub fn base() -> (PathBuf, String, PathBuf) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../images/build.sh");
    let output = Command::new("bash").arg(script).args(["--list", "base"]).output().expect("bash runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, hash, _, root] = words[..] else { panic!("images/build.sh --list base said '{text}'") };
    assert!(root != "-", "the base root is missing: run images/build.sh base");
    let images = Path::new(root).ancestors().nth(3).expect("IMAGES/NAME/HASH/root").to_owned();
    (images, hash.to_owned(), PathBuf::from(root))
}

/// The binary of the same build as this test.
fn flashnode_binary() -> PathBuf {
    let me = std::env::current_exe().expect("this program has a path");
    let binary = me.parent().and_then(Path::parent).expect("TARGET/PROFILE/deps").join("flashnode");
    assert!(binary.is_file(), "{} is missing: run 'cargo build --workspace' first", binary.display());
    binary
}

/// Whether the checks run as root, as a supervisor usually does.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
}

fn give(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set a mode");
    if is_root() {
        chown(path, Some(USER), Some(USER)).expect("give to the user");
    }
}

/// Sends a signal by the `kill` program.
pub fn kill(signal: &str, pid: u32) {
    let status = Command::new("kill").args([signal, &pid.to_string()]).status().expect("kill runs");
    assert!(status.success(), "kill {signal} {pid}");
}
