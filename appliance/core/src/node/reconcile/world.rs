//! Reads what a pass stands on: the generation in force, credentials, secrets, and which images can be had;
//! makes the secrets that are missing; and renders what is wanted.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::json;

use super::{
    desired::{Desired, Wanted},
    task::Node,
};
use crate::{
    control::Flavour,
    error::Result,
    keys::{Purpose, Vault},
    node::{
        catalog::{
            self, APP, BTCPAY, Context, LND, NotYet, OUTSIDE, POSTGRES, Ports, Service, context::AppFiles,
        },
        edges,
        offered::{self, Offers},
        secrets, specs,
        wanted::{Pinned, WantedBox, nothing_chosen, store as wanted_store},
    },
    ports::{
        authority::Realm,
        runtime::{ImageRef, SpecFile},
    },
    types::{EdgeName, Generation, Network, Secret, ServiceName, SpecHash},
};

/// Files behind the specs of a pass.
pub type Files = BTreeMap<SpecHash, Vec<SpecFile>>;

/// What a pass stands on.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The generation in force.
    pub generation: Generation,
    /// What it wants, once there is one.
    pub wanted: Option<WantedBox>,
    /// Services that a person has stopped for now.
    pub stopped: BTreeSet<ServiceName>,
    /// Images that can be had.
    pub offers: Offers,
    /// What rendering depends on; `None` before the first pass. While the box is locked it holds no secrets.
    pub context: Option<Arc<Context>>,
}

/// Days before its end on which a certificate is renewed.
const RENEW_DAYS: i64 = 30;
/// The longest that a browser accepts.
const LEAF_DAYS: u32 = 397;

impl Node {
    pub(super) async fn read_world(&self) -> Result<World> {
        let (generation, wanted) = wanted_store::current(&self.store).await?.unzip();
        let stopped = wanted_store::setting(&self.store, "stopped").await?.unwrap_or_default();
        let flavour = wanted.as_ref().map_or(Flavour::Knots, |w| w.choice.bitcoind_flavour);
        let mut world = World {
            generation: generation.unwrap_or_default(),
            stopped,
            offers: offered::look(&self.images, &self.config.images, flavour, self.engine),
            wanted,
            context: None,
        };
        world.context = Some(Arc::new(self.context(&world, self.vault().as_deref()).await?));
        Ok(world)
    }

    async fn context(&self, world: &World, vault: Option<&Vault>) -> Result<Context> {
        let network = world.wanted.as_ref().map_or(self.config.network, |w| w.network);
        let (credentials, own) = match vault {
            Some(vault) => {
                (edges::store::all(&self.store, vault).await?, secrets::all(&self.store, vault).await?)
            }
            None => (edges::Credentials::default(), catalog::context::OwnSecrets::default()),
        };
        let mut context = Context {
            box_name: self.config.name.clone(),
            network,
            choice: world.wanted.as_ref().map_or_else(nothing_chosen, |w| w.choice.clone()),
            engine: self.engine,
            ports: Ports { base: self.config.port_base },
            credentials,
            secrets: own,
            app: None,
            app_listen: Some(self.config.listen),
        };
        context.app = self.app_files(&context, vault).ok();
        Ok(context)
    }

    fn app_files(&self, context: &Context, vault: Option<&Vault>) -> Result<AppFiles, NotYet> {
        let folder = self.ground.folder(&APP);
        let key = vault.map(|v| hex::encode(v.derive("app.db").expose()));
        let settings = json!({
            "name": self.config.name,
            "data": folder.join("data"),
            "control_socket": self.ground.box_dir.join("run/supervisor.sock"),
            "listen": self.config.listen,
            "listen_http": self.config.listen_http,
            "hosts": self.hosts,
            "db_key": key,
            "locked": vault.is_none(),
        });
        // A locked box still shows its page: its certificate is kept outside the sealed store, with the CA.
        let (certificate, private) = match (self.own_certificate(), vault) {
            (Some(own), _) => own,
            (None, Some(_)) => {
                (context.secrets.get("app/tls.crt")?.clone(), context.secrets.get("app/tls.key")?.clone())
            }
            (None, None) => self.locked_leaf()?,
        };
        Ok(AppFiles {
            program: self.ground.program.display().to_string(),
            box_dir: self.ground.box_dir.display().to_string(),
            config_dir: folder.join("config").display().to_string(),
            listen: self.config.listen,
            settings: Secret::new(settings.to_string()),
            certificate,
            key: private,
        })
    }

    /// The owner's own certificate; renewed files are seen by the next pass. One that cannot be read must not cost
    /// the pages: the box's own takes its place.
    fn own_certificate(&self) -> Option<(Secret<String>, Secret<String>)> {
        let read = |path: &std::path::Path| match std::fs::read_to_string(path) {
            Ok(text) => Some(Secret::new(text)),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "your own certificate cannot be read");
                None
            }
        };
        let (certificate, key) = (self.config.certificate.as_ref()?, self.config.certificate_key.as_ref()?);
        Some((read(certificate)?, read(key)?))
    }

    /// The certificate of the page that unlocks the box; made once a run, so that the app is not restarted for it.
    fn locked_leaf(&self) -> Result<(Secret<String>, Secret<String>), NotYet> {
        static LEAF: std::sync::OnceLock<(Secret<String>, Secret<String>)> = std::sync::OnceLock::new();
        if let Some(leaf) = LEAF.get() {
            return Ok(leaf.clone());
        }
        let leaf =
            self.authority.leaf(Realm::Pages, &self.hosts, LEAF_DAYS).map_err(|e| NotYet(e.to_string()))?;
        Ok(LEAF.get_or_init(|| (Secret::new(leaf.certificate), leaf.key)).clone())
    }

    /// Makes secrets that the box's services need and that do not exist yet; says whether it made any.
    pub(super) async fn make_missing(&self, world: &World) -> Result<bool> {
        let Some(vault) = self.vault() else { return Ok(false) };
        let Some(context) = &world.context else { return Ok(false) };
        let mut made = self.make_leaf(&vault, context, &APP, Realm::Pages, &self.hosts).await?;
        let Some(wanted) = &world.wanted else { return Ok(made) };
        let at = self.clock.now();
        for service in catalog::ALL.iter().filter(|s| wanted.includes(**s, self.config.playground)) {
            for (name, make) in own_secrets(&service.name()) {
                if context.secrets.0.contains_key(&name) {
                    continue;
                }
                let secret = match make {
                    Make::Hex => Secret::new(secrets::random_hex::<32>()),
                    Make::Root => wallet_root(&vault, &service.name(), wanted.network)?,
                };
                secrets::keep(&self.store, &vault, &name, &secret, at).await?;
                made = true;
            }
            if [LND, OUTSIDE].contains(&service.name()) {
                let names = [service.name().to_string(), "localhost".to_owned(), "127.0.0.1".to_owned()];
                made |= self.make_leaf(&vault, context, &service.name(), Realm::Services, &names).await?;
            }
        }
        Ok(made)
    }

    /// Makes a server's certificate, anew when its names or its authority have changed or its end is near.
    async fn make_leaf(
        &self,
        vault: &Vault,
        context: &Context,
        service: &ServiceName,
        realm: Realm,
        names: &[String],
    ) -> Result<bool> {
        let today = self.clock.now().0 / 86_400_000;
        let wanted_for = format!("{} {}", names.join(","), self.authority.fingerprint(realm));
        let made_for =
            context.secrets.get(&format!("{service}/tls.for")).ok().and_then(|s| s.expose().split_once(' '));
        let day_and_names = made_for.and_then(|(day, names)| Some((day.parse::<i64>().ok()?, names)));
        let fresh = |day: i64| today < day + i64::from(LEAF_DAYS) - RENEW_DAYS;
        if day_and_names.is_some_and(|(day, names)| names == wanted_for && fresh(day)) {
            return Ok(false);
        }
        let leaf = self.authority.leaf(realm, names, LEAF_DAYS)?;
        let at = self.clock.now();
        let keep = [
            ("tls.crt", Secret::new(leaf.certificate)),
            ("tls.key", leaf.key),
            ("tls.fingerprint", Secret::new(leaf.fingerprint)),
            // Last, so that a crash before it makes all of them again.
            ("tls.for", Secret::new(format!("{today} {wanted_for}"))),
        ];
        for (what, secret) in keep {
            secrets::replace(&self.store, vault, &format!("{service}/{what}"), &secret, at).await?;
        }
        Ok(true)
    }

    /// What would be wanted if this were the committed state.
    pub async fn render_as(&self, wanted: &WantedBox) -> Result<Desired> {
        let mut world = self.read_world().await?;
        world.wanted = Some(wanted.clone());
        world.context = Some(Arc::new(self.context(&world, self.vault().as_deref()).await?));
        Ok(self.render(&world).0)
    }

    /// What is wanted now. Before set-up that is the app alone.
    pub(super) fn render(&self, world: &World) -> (Desired, Files) {
        let mut files = Files::new();
        let mut desired = Desired { set_up: world.wanted.is_some(), ..Desired::default() };
        let Some(context) = &world.context else { return (desired, files) };
        let locked = self.vault().is_none();
        for service in catalog::ALL {
            let name = service.name();
            let part = world.wanted.as_ref().is_some_and(|w| w.includes(*service, self.config.playground));
            if name != APP && (!part || locked) {
                // While locked nothing new can be rendered, and what runs is left alone: it keeps its place here
                // with a spec that waits.
                if part {
                    desired.services.push(self.wanted(
                        *service,
                        world,
                        Err("the box is locked".to_owned()),
                        None,
                    ));
                }
                continue;
            }
            let pinned = self.pinned(&name, world);
            let spec = pinned.as_ref().map_err(Clone::clone).and_then(|pinned| {
                self.all_made(*service, world, context)?;
                self.ground.spec(*service, pinned, context).map_err(|not_yet| not_yet.to_string())
            });
            let unavailable = pinned.err();
            let hash = spec.map(|(spec, of_spec)| {
                let hash = spec.hash.clone();
                files.insert(hash.clone(), of_spec);
                desired.specs.insert(hash.clone(), spec);
                hash
            });
            desired.services.push(self.wanted(*service, world, hash, unavailable));
        }
        (desired, files)
    }

    /// A provider whose file lists its users waits until each has a credential: otherwise it would start once
    /// for every one that is made after the other.
    fn all_made(&self, service: &dyn Service, world: &World, context: &Context) -> Result<(), String> {
        let part = |name: &ServiceName| {
            let known = catalog::find(name).zip(world.wanted.as_ref());
            let included = known.is_some_and(|(s, wanted)| wanted.includes(s, self.config.playground));
            included || edges::stands_without_service(name, context.network)
        };
        let rpc = service
            .grants()
            .into_iter()
            .filter(|g| matches!(g.right, edges::Right::Rpc(_)) && part(&g.consumer));
        for edge in rpc.map(|grant| EdgeName::new(grant.consumer, service.name())) {
            if context.credentials.of(&edge).is_empty() {
                return Err(format!("making the credential {edge}"));
            }
        }
        Ok(())
    }

    fn wanted(
        &self,
        service: &dyn Service,
        world: &World,
        spec: Result<SpecHash, String>,
        unavailable: Option<String>,
    ) -> Wanted {
        let name = service.name();
        let includes = |need: &&ServiceName| {
            let known = catalog::find(need).zip(world.wanted.as_ref());
            known.is_some_and(|(s, wanted)| wanted.includes(s, self.config.playground))
        };
        Wanted {
            run: !world.stopped.contains(&name),
            needs: service.needs().iter().filter(includes).cloned().collect(),
            spec,
            unavailable,
            stop_grace: service.stop_grace(),
            answers_within: service.answers_within(),
            is_indexer: service.is_indexer(),
            name,
        }
    }

    /// Each committed service, with the reason why its version must not run any more, if there is one.
    pub fn revoked(&self, world: &World) -> Vec<(ServiceName, Option<String>)> {
        let Some(wanted) = &world.wanted else { return Vec::new() };
        let reason = |name: &ServiceName, pinned: &Pinned| {
            let service = catalog::find(name)?;
            self.images.of(&service.image(), wanted.choice.bitcoind_flavour)?.refused(&pinned.version)
        };
        wanted.images.iter().map(|(name, pinned)| (name.clone(), reason(name, pinned))).collect()
    }

    /// The image this service shall run: as committed, when it can still be had and was not revoked since.
    pub fn pinned(&self, name: &ServiceName, world: &World) -> Result<Pinned, String> {
        if *name == APP {
            return Ok(specs::own_image(&self.build).1);
        }
        let flavour = world.wanted.as_ref().map_or(Flavour::Knots, |w| w.choice.bitcoind_flavour);
        let committed = world.wanted.as_ref().and_then(|w| w.images.get(name));
        let Some(pinned) = committed else {
            return world.offers.get(name).cloned().unwrap_or_else(|| Err("It has no image.".to_owned()));
        };
        let image = catalog::find(name).and_then(|s| self.images.of(&s.image(), flavour));
        if let Some(reason) = image.and_then(|image| image.refused(&pinned.version)) {
            return Err(reason);
        }
        match &pinned.image {
            ImageRef::Built { name: recipe, hash }
                if !self.config.images.join(recipe).join(hash).join("root").is_dir() =>
            {
                Err(format!(
                    "Version {} of {name} is no longer on this box: run images/build.sh {recipe}.",
                    pinned.version
                ))
            }
            ImageRef::Pulled { .. } if !self.engine => Err(format!(
                "{name} comes only as a container image, and this box runs without a container engine."
            )),
            _ => Ok(pinned.clone()),
        }
    }
}

/// How a secret of one service is made.
enum Make {
    /// 32 random bytes in hex.
    Hex,
    /// The service's child of the box's root.
    Root,
}

fn own_secrets(service: &ServiceName) -> Vec<(String, Make)> {
    let named = |name: &str, make| (format!("{service}/{name}"), make);
    if [LND, OUTSIDE].contains(service) {
        return vec![
            named("wallet-password", Make::Hex),
            named("macaroon-root-key", Make::Hex),
            named("root", Make::Root),
        ];
    }
    if *service == POSTGRES {
        return vec![named("superuser", Make::Hex)];
    }
    if *service == BTCPAY {
        return vec![named("admin-password", Make::Hex)];
    }
    Vec::new()
}

/// LND's extended master key: its own child of the one root. The playground's second node is somebody else and
/// gets a root of its own, which nobody needs to write down.
fn wallet_root(vault: &Vault, service: &ServiceName, network: Network) -> Result<Secret<String>> {
    if *service == LND {
        return Ok(vault.child(Purpose::Lightning, network)?);
    }
    let seed: [u8; 32] = rand::random();
    let kind =
        if network == Network::Mainnet { bitcoin::NetworkKind::Main } else { bitcoin::NetworkKind::Test };
    let root = bitcoin::bip32::Xpriv::new_master(kind, &seed)
        .map_err(|error| crate::error::Error::internal("making a key", error))?;
    Ok(Secret::new(root.to_string()))
}
