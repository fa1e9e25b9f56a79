//! From a rendered service to a complete spec, and its files onto the disk.
//!
//! A spec and its files live at `services/NAME/specs/HASH`, unchanged for as long as they exist: an older one
//! can be started again exactly as it was.

use std::{
    collections::BTreeMap,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::{
    catalog::{self, APP, Context, NotYet, Port, Service},
    wanted::Pinned,
};
use crate::{
    ports::runtime::{ImageRef, Mount, PublishedPort, Spec, SpecFile},
    types::{Network, Secret, ServiceName, SpecHash},
};

/// Where a box's services live and as whom they run.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The box's folder.
    pub box_dir: PathBuf,
    /// The first user id for services; `None` when the supervisor is not root and cannot change users.
    pub uid_base: Option<u32>,
    /// The supervisor's own user id.
    pub own_uid: u32,
    /// Our own program.
    pub program: PathBuf,
}

impl Ground {
    /// `services/NAME`.
    pub fn folder(&self, service: &ServiceName) -> PathBuf {
        self.box_dir.join("services").join(service.as_str())
    }

    /// The user id of a service. Its number is part of the catalog and never changes: its files belong to it.
    pub fn user(&self, service: &ServiceName) -> u32 {
        let number = catalog::find(service).map_or(UNKNOWN, |s| s.number());
        self.uid_base.map_or(self.own_uid, |base| base + number)
    }

    /// The whole spec of a service, with its files.
    pub fn spec(
        &self,
        service: &dyn Service,
        pinned: &Pinned,
        context: &Context,
    ) -> Result<(Spec, Vec<SpecFile>), NotYet> {
        let rendered = service.render(context)?;
        let name = service.name();
        let on_host = pinned.image == ImageRef::Host;
        let passwd = (!on_host).then(|| (PASSWD.to_owned(), passwd(&name, self.user(&name))));
        let files = rendered.files.into_iter().chain(passwd);
        let files: Vec<SpecFile> =
            files.map(|(name, text)| SpecFile { name, contents: Secret::new(text) }).collect();
        let mut spec = Spec {
            hash: SpecHash(String::new()),
            image: pinned.image.clone(),
            command: rendered.command,
            env: environment(rendered.env, on_host),
            mounts: Vec::new(),
            ports: service.ports().iter().filter(|p| p.published).map(|p| published(p, context)).collect(),
            user: self.user(&name),
            limits: service.limits(context.network),
            stop_grace: service.stop_grace(),
            on_host,
            service: name,
        };
        spec.hash = hash(&spec, &files, &pinned.version);
        spec.mounts = self.mounts(&spec);
        Ok((spec, files))
    }

    fn mounts(&self, spec: &Spec) -> Vec<Mount> {
        let folder = self.folder(&spec.service);
        let files = folder.join("specs").join(&spec.hash.0);
        let mount = |host: PathBuf, inside: PathBuf, writable| Mount { host, inside, writable };
        if spec.on_host {
            // Our own roles run from the host's root, where no folder can be added: paths stay as they are.
            return vec![
                mount(folder.join("data"), folder.join("data"), true),
                mount(files, folder.join("config"), false),
                mount(self.box_dir.join("run"), self.box_dir.join("run"), true),
                mount(self.program.clone(), self.program.clone(), false),
            ];
        }
        vec![
            mount(folder.join("data"), PathBuf::from("/data"), true),
            mount(files.join(PASSWD), PathBuf::from("/etc/passwd"), false),
            mount(files, PathBuf::from("/config"), false),
        ]
    }

    /// Puts a spec's files in place, whole or not at all, and makes the service's data folder.
    pub fn place(&self, spec: &Spec, files: &[SpecFile]) -> std::io::Result<()> {
        let folder = self.folder(&spec.service);
        std::fs::create_dir_all(folder.join("specs"))?;
        std::fs::create_dir_all(self.box_dir.join("run"))?;
        let data = folder.join("data");
        if !data.exists() {
            std::fs::DirBuilder::new().mode(0o700).create(&data)?;
        }
        self.own(&data, spec.user)?;
        let (done, new) = (
            folder.join("specs").join(&spec.hash.0),
            folder.join("specs").join(format!("{}.new", spec.hash.0)),
        );
        if done.exists() {
            return Ok(());
        }
        if new.exists() {
            std::fs::remove_dir_all(&new)?;
        }
        std::fs::DirBuilder::new().mode(0o700).create(&new)?;
        for file in files {
            let path = new.join(&file.name);
            let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o400).open(&path)?;
            out.write_all(file.contents.expose().as_bytes())?;
            out.sync_all()?;
            self.own(&path, spec.user)?;
        }
        self.own(&new, spec.user)?;
        let text = serde_json::to_vec(spec).map_err(std::io::Error::other)?;
        write_whole(&self.description(spec.service.clone(), &spec.hash), &text)?;
        std::fs::rename(&new, &done)?;
        std::fs::File::open(folder.join("specs"))?.sync_all()
    }

    /// A spec that was placed earlier.
    pub fn placed(&self, service: &ServiceName, hash: &SpecHash) -> std::io::Result<Spec> {
        let text = std::fs::read(self.description(service.clone(), hash))?;
        serde_json::from_slice(&text).map_err(std::io::Error::other)
    }

    /// Removes every placed spec of the service but these.
    pub fn sweep(&self, service: &ServiceName, keep: &[&SpecHash]) {
        let Ok(entries) = std::fs::read_dir(self.folder(service).join("specs")) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let hash = name.split('.').next().unwrap_or_default();
            if !keep.iter().any(|kept| kept.0 == hash) {
                // What cannot be removed now is removed by a later pass.
                let _ = if entry.path().is_dir() {
                    std::fs::remove_dir_all(entry.path())
                } else {
                    std::fs::remove_file(entry.path())
                };
            }
        }
    }

    /// Empties a service's data folder: rename first, so that a kill in the middle leaves it whole or gone.
    pub fn empty_data(&self, service: &ServiceName) -> std::io::Result<()> {
        let data = self.folder(service).join("data");
        let gone = self.folder(service).join("data.gone");
        if gone.exists() {
            std::fs::remove_dir_all(&gone)?;
        }
        if data.exists() {
            std::fs::rename(&data, &gone)?;
            std::fs::remove_dir_all(&gone)?;
        }
        Ok(())
    }

    fn description(&self, service: ServiceName, hash: &SpecHash) -> PathBuf {
        self.folder(&service).join("specs").join(format!("{}.json", hash.0))
    }

    fn own(&self, path: &Path, user: u32) -> std::io::Result<()> {
        match self.uid_base {
            Some(_) => chown(path, Some(user), Some(user)),
            None => Ok(()),
        }
    }
}

fn published(port: &Port, context: &Context) -> PublishedPort {
    let number = context.ports.base + port.offset;
    PublishedPort { inside: number, host: number, world: port.world && context.network != Network::Regtest }
}

/// A service that is no longer in the catalog: nobody's files are its own.
const UNKNOWN: u32 = 99;

/// Takes the place of the image's `/etc/passwd`: initdb and others insist on a name for the user they run as.
const PASSWD: &str = "passwd";

fn passwd(service: &ServiceName, user: u32) -> String {
    format!("root:x:0:0::/:/usr/sbin/nologin\n{service}:x:{user}:{user}::/data:/usr/sbin/nologin\n")
}

/// Some programs will not start without a home.
fn environment(mut env: BTreeMap<String, String>, on_host: bool) -> BTreeMap<String, String> {
    if !on_host {
        env.entry("HOME".to_owned()).or_insert_with(|| "/data".to_owned());
    }
    env
}

/// Over everything but the mounts, which follow from the rest, and with the version, so that a new program under
/// the same reference (our own binary) is a new spec.
fn hash(spec: &Spec, files: &[SpecFile], version: &str) -> SpecHash {
    let mut hasher = Sha256::new();
    let json =
        serde_json::to_vec(&(spec, files, version)).unwrap_or_else(|e| unreachable!("plain data: {e}"));
    hasher.update(json);
    SpecHash(hex::encode(hasher.finalize()))
}

fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let new = path.with_extension("tmp");
    let mut out = std::fs::File::create(&new)?;
    out.write_all(bytes)?;
    out.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    out.sync_all()?;
    std::fs::rename(new, path)
}

/// What our own program is pinned to: the host's root and this build.
pub fn own_image(build: &str) -> (ServiceName, Pinned) {
    (APP, Pinned { image: ImageRef::Host, version: build.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::catalog::{BITCOIND, ELECTRS, get, tests::full_context};

    fn ground(dir: &Path) -> Ground {
        Ground {
            box_dir: dir.to_owned(),
            uid_base: None,
            own_uid: 0,
            program: PathBuf::from("/bin/flashnode"),
        }
    }

    fn pinned() -> Pinned {
        Pinned { image: ImageRef::Built { name: "x".into(), hash: "1".into() }, version: "1".into() }
    }

    #[test]
    fn a_changed_secret_is_a_changed_spec() {
        let dir = tempfile::tempdir().expect("folder");
        let electrs = get(&ELECTRS).expect("known");
        let context = full_context(Network::Regtest, false);
        let one = ground(dir.path()).spec(electrs, &pinned(), &context).expect("renders").0;
        let two = ground(dir.path())
            .spec(electrs, &pinned(), &full_context(Network::Mainnet, false))
            .expect("renders")
            .0;
        assert_ne!(one.hash, two.hash);
        assert_eq!(one.hash, ground(dir.path()).spec(electrs, &pinned(), &context).expect("renders").0.hash);
    }

    #[test]
    fn placed_files_are_readable_by_their_owner_alone_and_the_spec_reads_back() {
        let dir = tempfile::tempdir().expect("folder");
        let ground = ground(dir.path());
        let service = get(&BITCOIND).expect("known");
        let (spec, files) =
            ground.spec(service, &pinned(), &full_context(Network::Regtest, false)).expect("renders");
        ground.place(&spec, &files).expect("places");
        ground.place(&spec, &files).expect("placing again changes nothing");
        let conf = ground.folder(&BITCOIND).join("specs").join(&spec.hash.0).join("bitcoin.conf");
        assert_eq!(std::fs::metadata(conf).expect("there").permissions().mode() & 0o777, 0o400);
        assert_eq!(ground.placed(&BITCOIND, &spec.hash).expect("reads"), spec);
        let text = std::fs::read_to_string(ground.description(BITCOIND, &spec.hash)).expect("reads");
        assert!(!text.contains("s3cret"), "a description holds no secret");
    }

    #[test]
    fn sweeping_keeps_what_it_is_told() {
        let dir = tempfile::tempdir().expect("folder");
        let ground = ground(dir.path());
        let service = get(&BITCOIND).expect("known");
        let mut hashes = Vec::new();
        for network in [Network::Regtest, Network::Mainnet] {
            let (spec, files) =
                ground.spec(service, &pinned(), &full_context(network, false)).expect("renders");
            ground.place(&spec, &files).expect("places");
            hashes.push(spec.hash);
        }
        ground.sweep(&BITCOIND, &[&hashes[1]]);
        assert!(ground.placed(&BITCOIND, &hashes[0]).is_err());
        assert!(ground.placed(&BITCOIND, &hashes[1]).is_ok());
    }
}
