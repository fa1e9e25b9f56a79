//! The runtime over a container engine: Docker from 20.10 on (API 1.41), or Podman by its Docker-compatible socket.
//!
//! Containers belong to the engine, so they live on when the supervisor ends, and the next one finds them by label.
//! The engine restarts nothing by itself: when and how often is decided in one place, which is not here.
//! Whether an end was asked for is noted beside the service's data, since labels cannot be changed.

mod container;
mod engine;
mod image;
mod log;
mod state;

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::PathBuf,
    time::Duration,
};

use async_trait::async_trait;
use bollard::{
    models::{ContainerInspectResponse, NetworkCreateRequest},
    query_parameters::{
        CreateContainerOptions, InspectContainerOptions, ListContainersOptions, RemoveContainerOptions,
        StartContainerOptions, StatsOptions, StopContainerOptions,
    },
};
use engine::{Engine, is_absent};
use flashnode_core::{
    ports::{
        PortError, PortResult,
        runtime::{ImageRef, Instance, InstanceState, LogFrom, LogPage, Runtime, Spec, Usage},
    },
    types::ServiceName,
};
use futures::StreamExt;

/// How long an ordinary answer may take.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// Services as containers. Any number of values may look at the same box; one supervisor acts on it.
pub struct DockerRuntime {
    engine: Engine,
    owner: Owner,
    images: PathBuf,
}

/// Whose containers these are. Two boxes may not share a name on one engine, and the folder tells them apart.
pub(crate) struct Owner {
    box_dir: PathBuf,
    box_name: String,
}

impl Owner {
    fn container(&self, service: &ServiceName) -> String {
        format!("flashnode-{}-{service}", self.box_name)
    }

    fn network(&self) -> String {
        format!("flashnode-{}", self.box_name)
    }

    fn labels(&self) -> HashMap<String, String> {
        HashMap::from([
            ("flashnode.box".to_owned(), self.box_name.clone()),
            ("flashnode.folder".to_owned(), self.box_dir.to_string_lossy().into_owned()),
        ])
    }

    /// Whether these labels say that something is this box's.
    fn is_on(&self, labels: Option<&HashMap<String, String>>) -> bool {
        labels.is_some_and(|labels| self.labels().iter().all(|(key, value)| labels.get(key) == Some(value)))
    }

    /// Holds the id of the container whose end was asked for.
    fn asked(&self, service: &ServiceName) -> PathBuf {
        self.box_dir.join("services").join(service.as_str()).join("run").join("asked-container")
    }
}

impl DockerRuntime {
    /// A runtime for the box in `box_dir`, whose built roots are in `images`.
    ///
    /// Asks the engine nothing yet, so it is at once done and an engine that starts later will do.
    ///
    /// # Errors
    /// When `DOCKER_HOST` is set to something that is no address of an engine.
    pub fn connect(box_dir: PathBuf, box_name: String, images: PathBuf) -> PortResult<Self> {
        let box_dir = std::path::absolute(&box_dir).unwrap_or(box_dir);
        Ok(Self { engine: Engine::find()?, owner: Owner { box_dir, box_name }, images })
    }

    /// The container of a service; an error when another box has one of this name.
    async fn container(&self, service: &ServiceName) -> PortResult<Option<ContainerInspectResponse>> {
        let name = self.owner.container(service);
        let asked = self.engine.call(ANSWERS_WITHIN, async |docker| {
            is_absent(docker.inspect_container(&name, None::<InspectContainerOptions>).await)
        });
        let Some(found) = asked.await? else { return Ok(None) };
        if self.is_ours(&found) {
            return Ok(Some(found));
        }
        Err(PortError::Failed(format!(
            "The engine already has a container named {name} that is not this box's. \
             Give this box another name in flashnode.toml, or remove that container."
        )))
    }

    fn is_ours(&self, found: &ContainerInspectResponse) -> bool {
        self.owner.is_on(found.config.as_ref().and_then(|config| config.labels.as_ref()))
    }

    fn instance(&self, service: &ServiceName, found: &ContainerInspectResponse) -> Instance {
        let noted = fs::read_to_string(self.owner.asked(service)).unwrap_or_default();
        state::instance(found, found.id.as_deref().is_some_and(|id| id == noted))
    }

    async fn ensure_network(&self) -> PortResult<()> {
        let (name, labels) = (self.owner.network(), self.owner.labels());
        let asked = self
            .engine
            .call(ANSWERS_WITHIN, async |docker| is_absent(docker.inspect_network(&name, None).await));
        if let Some(found) = asked.await? {
            if self.owner.is_on(found.labels.as_ref()) {
                return Ok(());
            }
            return Err(PortError::Failed(format!(
                "The engine already has a network named {name} that is not this box's; whoever made it may have \
                 other containers in it. Give this box another name in flashnode.toml, or remove that network."
            )));
        }
        let request = NetworkCreateRequest {
            name: name.clone(),
            driver: Some("bridge".to_owned()),
            labels: Some(labels),
            ..Default::default()
        };
        let made =
            self.engine.call(ANSWERS_WITHIN, async |docker| docker.create_network(request).await).await;
        made.map(|_| ())
    }

    async fn delete(&self, id: &str) -> PortResult<()> {
        let options = RemoveContainerOptions { v: true, force: true, link: false };
        let done = self
            .engine
            .call(ANSWERS_WITHIN, async |docker| is_absent(docker.remove_container(id, Some(options)).await));
        done.await.map(|_| ())
    }

    fn forget_asked(&self, service: &ServiceName) -> PortResult<()> {
        match fs::remove_file(self.owner.asked(service)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(PortError::Failed(format!("{service}: its run folder cannot be written: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Makes room: an ended container goes. True when there is nothing left to do.
    async fn is_running_already(&self, spec: &Spec) -> PortResult<bool> {
        let service = &spec.service;
        let Some(found) = self.container(service).await? else { return Ok(false) };
        let instance = self.instance(service, &found);
        if matches!(instance.state, InstanceState::Running { .. }) {
            let older =
                format!("{service} still runs with its older configuration; it must be stopped first.");
            return if instance.spec == spec.hash { Ok(true) } else { Err(PortError::Failed(older)) };
        }
        self.delete(found.id.as_deref().unwrap_or_default()).await?;
        Ok(false)
    }
}

#[async_trait]
impl Runtime for DockerRuntime {
    async fn describe(&self) -> PortResult<String> {
        self.engine.describe().await
    }

    async fn prepare(&self, image: &ImageRef) -> PortResult<()> {
        match image {
            ImageRef::Pulled { reference } => image::pull(&self.engine, reference).await,
            ImageRef::Built { name, hash } => {
                let root = self.images.join(name).join(hash).join("root");
                image::import(&self.engine, &root, name, hash).await
            }
            ImageRef::Host => {
                Err(PortError::Failed("The host's own files are no image for a container.".to_owned()))
            }
        }
    }

    async fn observe(&self) -> PortResult<BTreeMap<ServiceName, Instance>> {
        let labels = self.owner.labels().into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        let filters = HashMap::from([("label".to_owned(), labels)]);
        let options = ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
        let call =
            self.engine.call(ANSWERS_WITHIN, async |docker| docker.list_containers(Some(options)).await);
        let names =
            call.await?.into_iter().filter_map(|found| found.labels?.remove(container::SERVICE_LABEL));
        let mut instances = BTreeMap::new();
        for service in names.filter_map(|name| name.parse::<ServiceName>().ok()) {
            // One that went in between is simply not there.
            if let Some(found) = self.container(&service).await? {
                instances.insert(service.clone(), self.instance(&service, &found));
            }
        }
        Ok(instances)
    }

    async fn start(&self, spec: &Spec) -> PortResult<()> {
        let service = &spec.service;
        let body = container::body(spec, &self.owner)?;
        if self.is_running_already(spec).await? {
            return Ok(());
        }
        self.forget_asked(service)?;
        self.ensure_network().await?;
        let options =
            CreateContainerOptions { name: Some(self.owner.container(service)), ..Default::default() };
        let created = self
            .engine
            .call(ANSWERS_WITHIN, async |docker| docker.create_container(Some(options), body).await)
            .await
            .map_err(|error| container::explain(service, error))?;
        let started = self
            .engine
            .call(ANSWERS_WITHIN, async |docker| {
                docker.start_container(&created.id, None::<StartContainerOptions>).await
            })
            .await;
        if let Err(error) = started {
            // A container that never ran has nothing to tell.
            let _ = self.delete(&created.id).await;
            return Err(container::explain(service, error));
        }
        Ok(())
    }

    async fn stop(&self, service: &ServiceName, grace: Duration) -> PortResult<()> {
        let Some(found) = self.container(service).await? else { return Ok(()) };
        let running = matches!(self.instance(service, &found).state, InstanceState::Running { .. });
        let Some(id) = found.id.filter(|_| running) else { return Ok(()) };
        let mark = self.owner.asked(service);
        let noted = mark.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&mark, &id));
        noted
            .map_err(|error| PortError::Failed(format!("{service}: its end could not be noted: {error}")))?;
        // The engine counts whole seconds, and kills by itself even if we are gone by then.
        let seconds = grace.as_secs() + u64::from(grace.subsec_nanos() > 0);
        let options =
            StopContainerOptions { t: Some(i32::try_from(seconds).unwrap_or(i32::MAX)), signal: None };
        let within = Duration::from_secs(seconds) + ANSWERS_WITHIN;
        let stopped = self.engine.call(within, async |docker| {
            let patient = docker.with_timeout(within);
            is_absent(patient.stop_container(&id, Some(options)).await)
        });
        stopped.await.map(|_| ())
    }

    async fn usage(&self, service: &ServiceName) -> PortResult<Usage> {
        let name = self.owner.container(service);
        let options = StatsOptions { stream: false, one_shot: true };
        let stats = self
            .engine
            .call(ANSWERS_WITHIN, async |docker| docker.stats(&name, Some(options)).next().await.transpose())
            .await?;
        stats
            .map(|stats| state::usage(&stats))
            .ok_or_else(|| PortError::Failed(format!("{service} is not running.")))
    }

    async fn log(&self, service: &ServiceName, from: LogFrom, limit: usize) -> PortResult<LogPage> {
        log::read(&self.engine, &self.owner.container(service), &from, limit).await
    }

    async fn remove(&self, service: &ServiceName) -> PortResult<()> {
        if let Some(found) = self.container(service).await? {
            if matches!(self.instance(service, &found).state, InstanceState::Running { .. }) {
                let sentence = format!("{service} still runs; it must be stopped before it is removed.");
                return Err(PortError::Failed(sentence));
            }
            self.delete(found.id.as_deref().unwrap_or_default()).await?;
        }
        self.forget_asked(service)?;
        let network = self.owner.network();
        // Goes with the last container; the engine refuses while there is another, and that is right.
        let _ = self.engine.call(ANSWERS_WITHIN, async |docker| docker.remove_network(&network).await).await;
        Ok(())
    }
}
