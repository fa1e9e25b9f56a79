//! The only place that builds adapters and puts the supervisor together.

mod folders;

mod uids;

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, RwLock},
};

use anyhow::{Context as _, bail};
use flashnode_core::{
    config::{Config, RuntimeChoice},
    keys::{KeysError, Vault},
    node::{
        alerts::{AlarmKind, store as alarms},
        catalog::{self, Images},
        playground::Playground,
        reconcile::{
            execute::Runtimes,
            task::{Node, Snapshot, the_box},
        },
        specs::Ground,
        wanted::store as wanted,
    },
    ports::{
        authority::{Authority as _, Realm},
        clock::SystemClock,
        runtime::{Instance, InstanceState, Runtime},
    },
    store::{Schema, Store},
    supervisor::Supervisor,
    types::{Secret, ServiceName},
};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Notify, watch};

use crate::{
    adapters::{docker::DockerRuntime, doors::LocalDoors, process::ProcessRuntime},
    doctor::ThisMachine,
    tls::{authority::Authorities, names::page_names},
};

/// The supervisor, whole.
pub struct Box {
    /// What the loop holds.
    pub node: Arc<Node>,
    /// The regtest world.
    pub playground: Arc<Playground>,
    /// The façade behind the socket.
    pub supervisor: Arc<Supervisor>,
}

/// How many snapshots of `box.db` are kept.
pub const SNAPSHOTS: usize = 24;

/// Where they lie.
pub fn snapshots(box_dir: &Path) -> PathBuf {
    box_dir.join("supervisor/snapshots")
}

/// Puts the supervisor of the box in `box_dir` together.
pub async fn supervisor(box_dir: &Path, config: Config) -> anyhow::Result<Box> {
    // A second provider in the process (none today) would make the choice ambiguous; the first call wins.
    let _ = rustls::crypto::ring::default_provider().install_default();
    catalog::check(catalog::ALL)?;
    folders::own(box_dir)?;
    if rustix::process::geteuid().is_root() {
        uids::register(Path::new(uids::REGISTRY), config.uid_base, box_dir)?;
    }
    let is_new = !box_dir.join("supervisor/box.db").exists();
    let (store, rescue) = open_store(box_dir).await?;
    let keys = open_keys(&box_dir.join("supervisor/keys"), is_new)?;
    let authority = Authorities::load_or_create(&box_dir.join("supervisor/ca"), &config)?;
    let (runtimes, engine) = runtimes(box_dir, &config, &store).await?;
    let own_uid = rustix::process::geteuid().as_raw();
    let program = own_program(box_dir)?;
    let pages_ca = config.certificate.is_none().then(|| authority.certificate(Realm::Pages));
    let node = Arc::new(Node {
        doors: Arc::new(LocalDoors::new(&authority.certificate(Realm::Services), pages_ca.as_deref())),
        machine: Arc::new(ThisMachine { box_dir: box_dir.to_owned(), config: config.clone() }),
        clock: Arc::new(SystemClock),
        ground: Ground {
            box_dir: box_dir.to_owned(),
            uid_base: (own_uid == 0).then_some(config.uid_base),
            own_uid,
            program: program.clone(),
        },
        images: Images::built_in(),
        build: build(&program)?,
        engine,
        hosts: page_names(&config).iter().map(ToString::to_string).collect(),
        rescue,
        nudge: Notify::new(),
        worth_keeping: Notify::new(),
        latest: watch::Sender::new(Arc::new(Snapshot::default())),
        histories: Mutex::new(wanted::histories(&store).await?),
        busy: Mutex::default(),
        silences: Mutex::default(),
        happened: Mutex::default(),
        progress: Mutex::default(),
        keys: RwLock::new(keys.map(Arc::new)),
        authority: Arc::new(authority),
        runtimes,
        config,
        store,
    });
    if let Some(sentence) = &node.rescue {
        alarms::raise(&node.store, AlarmKind::Rescue, None, sentence, node.clock.now()).await?;
        node.note(&the_box(), "box.rescued", "box.db", sentence).await;
    }
    let playground = Arc::new(Playground::new(Arc::clone(&node)));
    let supervisor = Arc::new(Supervisor::new(Arc::clone(&node), Arc::clone(&playground)));
    Ok(Box { node, playground, supervisor })
}

async fn open_store(box_dir: &Path) -> anyhow::Result<(Store, Option<String>)> {
    let dir = box_dir.join("supervisor");
    let key = box_key(&dir.join("box.key"), dir.join("box.db").exists())?;
    let snapshots = snapshots(box_dir);
    let (store, rescue) = Store::open_or_rescue(&dir.join("box.db"), &key, &snapshots).await?;
    store.migrate(Schema::Box, Some(&snapshots)).await?;
    Ok((store, rescue.map(|note| note.sentence())))
}

/// `box.db` must open while the master key is away, so it has a key of its own; what is secret in it is sealed
/// under the master key.
fn box_key(path: &Path, database_exists: bool) -> anyhow::Result<Secret<[u8; 32]>> {
    if path.exists() {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let key = bytes
            .try_into()
            .map_err(|_| anyhow::anyhow!("{} is damaged: it must hold 32 bytes", path.display()))?;
        return Ok(Secret::new(key));
    }
    if database_exists {
        bail!(
            "{} is gone, and without it the state database cannot be read; put it back from a backup",
            path.display()
        );
    }
    let key: [u8; 32] = rand::random();
    let new = path.with_extension("new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o400).open(&new)?;
    file.write_all(&key)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    Ok(Secret::new(key))
}

/// Makes the keys of a new box, or opens them; a box whose auto-unlock file is gone starts locked.
fn open_keys(dir: &Path, is_new: bool) -> anyhow::Result<Option<Vault>> {
    if !Vault::exists(dir) {
        if !is_new {
            bail!(
                "{} is gone, and without it nothing of this box can be opened; put it back from a backup",
                dir.display()
            );
        }
        return Ok(Some(Vault::create(dir)?));
    }
    match Vault::open_auto(dir) {
        Ok(vault) => Ok(Some(vault)),
        Err(KeysError::Locked(why)) => {
            tracing::warn!("the box is locked: {why}; its page asks for the recovery passphrase");
            Ok(None)
        }
        Err(other) => Err(other.into()),
    }
}

/// `auto` is decided once in a box's life: an engine that shows up later must not leave running services behind.
async fn runtimes(box_dir: &Path, config: &Config, store: &Store) -> anyhow::Result<(Runtimes, bool)> {
    let shim = own_program(box_dir)?;
    let host: Arc<dyn Runtime> =
        Arc::new(ProcessRuntime::new(box_dir.to_owned(), config.name.clone(), config.images.clone(), shim));
    let docker = || DockerRuntime::connect(box_dir.to_owned(), config.name.clone(), config.images.clone());
    let engine = match (config.runtime, wanted::setting::<bool>(store, "engine").await?) {
        (RuntimeChoice::Docker, _) => true,
        (RuntimeChoice::Process, _) => false,
        (RuntimeChoice::Auto, Some(decided)) => decided,
        (RuntimeChoice::Auto, None) => match docker() {
            Ok(engine) => engine.describe().await.is_ok(),
            Err(_) => false,
        },
    };
    if wanted::setting::<bool>(store, "engine").await?.is_some_and(|before| before != engine) {
        let before: Arc<dyn Runtime> = if engine { Arc::clone(&host) } else { Arc::new(docker()?) };
        refuse_stranded(&*before).await?;
    }
    wanted::set(store, "engine", &engine).await?;
    let services: Arc<dyn Runtime> = if engine { Arc::new(docker()?) } else { Arc::clone(&host) };
    Ok((Runtimes { services, host, same: !engine }, engine))
}

/// Two of a kind on one data folder would destroy it: nothing may run in the runtime that was used before.
async fn refuse_stranded(before: &dyn Runtime) -> anyhow::Result<()> {
    let left = before
        .observe()
        .await
        .context("the runtime that was used before cannot be asked what still runs in it")?;
    let runs = |(name, instance): (ServiceName, Instance)| {
        let running = matches!(instance.state, InstanceState::Running { .. }) && name != catalog::APP;
        running.then(|| name.to_string())
    };
    let names: Vec<String> = left.into_iter().filter_map(runs).collect();
    if !names.is_empty() {
        bail!(
            "{} still run in the runtime used before. Put `runtime` back in flashnode.toml, stop them with `flashnode shutdown --services`, then change it",
            names.join(", ")
        );
    }
    Ok(())
}

/// The installed program when this is it: its path outlives an update that replaces the file under us.
fn own_program(box_dir: &Path) -> anyhow::Result<PathBuf> {
    let running = std::env::current_exe().context("cannot tell where this program is")?;
    let installed = box_dir.join("bin/flashnode");
    Ok(if running.starts_with(box_dir) && installed.exists() { installed } else { running })
}

/// Version and a hash of the program's own file, so that a new build is a new spec.
fn build(program: &Path) -> anyhow::Result<String> {
    let bytes = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    Ok(format!("{}+{}", env!("CARGO_PKG_VERSION"), &hex::encode(Sha256::digest(bytes))[..12]))
}
