//! A spec as the engine wants to hear it. Pure: asks nobody.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HealthConfig, HostConfig, HostConfigCgroupnsModeEnum,
    HostConfigLogConfig, Mount, MountType, NetworkingConfig, PortBinding, ResourcesUlimits, RestartPolicy,
    RestartPolicyNameEnum,
};
use flashnode_core::{
    ports::{
        PortError, PortResult,
        runtime::{ImageRef, PublishedPort, Spec},
    },
    types::ServiceName,
};

use super::{Owner, image};

/// The label that carries the service's name.
pub(super) const SERVICE_LABEL: &str = "flashnode.service";
/// The label that carries the hash of the spec.
pub(super) const SPEC_LABEL: &str = "flashnode.spec";

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What to create.
pub(super) fn body(spec: &Spec, owner: &Owner) -> PortResult<ContainerCreateBody> {
    let service = &spec.service;
    let image = match &spec.image {
        ImageRef::Pulled { reference } => reference.clone(),
        ImageRef::Built { name, hash } => image::tag(name, hash),
        ImageRef::Host => return Err(on_host(service)),
    };
    if spec.on_host {
        return Err(on_host(service));
    }
    let (program, arguments) = spec
        .command
        .split_first()
        .ok_or_else(|| PortError::Failed(format!("{service} has no command to run.")))?;
    let user = user(spec.user);
    let mut labels = owner.labels();
    labels.insert(SERVICE_LABEL.to_owned(), service.to_string());
    labels.insert(SPEC_LABEL.to_owned(), spec.hash.to_string());
    Ok(ContainerCreateBody {
        image: Some(image),
        hostname: Some(service.to_string()),
        user: Some(format!("{user}:{user}")),
        // Both are said, so that nothing of the image's own start commands is left.
        entrypoint: Some(vec![program.clone()]),
        cmd: Some(arguments.to_vec()),
        working_dir: Some("/".to_owned()),
        env: Some(environment(spec)),
        labels: Some(labels),
        // Health is judged by the supervisor, which knows that loading is not failure.
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..Default::default() }),
        stop_timeout: Some(i64::try_from(spec.stop_grace.as_secs()).unwrap_or(i64::MAX)),
        exposed_ports: Some(spec.ports.iter().map(tcp).collect()),
        host_config: Some(host_config(spec, owner)),
        networking_config: Some(networking(service, owner)),
        ..Default::default()
    })
}

fn on_host(service: &ServiceName) -> PortError {
    PortError::Failed(format!("{service} must run beside the supervisor on the host, not in a container."))
}

/// Without root's help the supervisor's own user owns the files, so that is the one who must be able to read them.
fn user(wanted: u32) -> u32 {
    if wanted == 0 { rustix::process::geteuid().as_raw() } else { wanted }
}

fn environment(spec: &Spec) -> Vec<String> {
    let path = (!spec.env.contains_key("PATH")).then(|| PATH.to_owned());
    path.into_iter().chain(spec.env.iter().map(|(key, value)| format!("{key}={value}"))).collect()
}

fn tcp(port: &PublishedPort) -> String {
    format!("{}/tcp", port.inside)
}

fn host_config(spec: &Spec, owner: &Owner) -> HostConfig {
    let memory = i64::try_from(spec.limits.memory_mib.saturating_mul(1024 * 1024)).unwrap_or(i64::MAX);
    HostConfig {
        network_mode: Some(owner.network()),
        port_bindings: Some(spec.ports.iter().map(|port| (tcp(port), Some(vec![binding(port)]))).collect()),
        mounts: Some(spec.mounts.iter().map(mount).collect()),
        tmpfs: Some(["/tmp", "/run"].map(|folder| (folder.to_owned(), tmpfs(spec))).into()),
        readonly_rootfs: Some(true),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges:true".to_owned()]),
        privileged: Some(false),
        init: Some(false),
        ipc_mode: Some("private".to_owned()),
        cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
        memory: Some(memory),
        // Memory and swap together: so there is no swap.
        memory_swap: Some(memory),
        pids_limit: Some(i64::from(spec.limits.pids)),
        ulimits: Some(vec![ulimit("nofile", spec.limits.files), ulimit("core", 0)]),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            maximum_retry_count: None,
        }),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(
                [("max-size", "8m"), ("max-file", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            ),
        }),
        ..Default::default()
    }
}

/// runc gives the folder the mode that the image's own has, so the owner must be right as well.
fn tmpfs(spec: &Spec) -> String {
    let user = user(spec.user);
    format!("rw,nosuid,nodev,mode=1777,uid={user},gid={user}")
}

fn binding(port: &PublishedPort) -> PortBinding {
    let address = if port.world { "" } else { "127.0.0.1" };
    PortBinding { host_ip: Some(address.to_owned()), host_port: Some(port.host.to_string()) }
}

fn mount(mount: &flashnode_core::ports::runtime::Mount) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(mount.host.to_string_lossy().into_owned()),
        target: Some(mount.inside.to_string_lossy().into_owned()),
        read_only: Some(!mount.writable),
        ..Default::default()
    }
}

fn ulimit(name: &str, value: u64) -> ResourcesUlimits {
    let value = Some(i64::try_from(value).unwrap_or(i64::MAX));
    ResourcesUlimits { name: Some(name.to_owned()), soft: value, hard: value }
}

fn networking(service: &ServiceName, owner: &Owner) -> NetworkingConfig {
    let endpoint = EndpointSettings { aliases: Some(vec![service.to_string()]), ..Default::default() };
    NetworkingConfig { endpoints_config: Some(HashMap::from([(owner.network(), endpoint)])) }
}

/// The engine's reason in our words, where we know what a person can do.
pub(super) fn explain(service: &ServiceName, error: PortError) -> PortError {
    let PortError::Failed(reason) = error else { return error };
    let advice = if reason.contains("No such image") {
        "Its image is not there yet; it is fetched or built first."
    } else if reason.contains("port is already allocated") || reason.contains("address already in use") {
        "Another program uses its port: stop that program, or change port_base in flashnode.toml."
    } else {
        ""
    };
    PortError::Failed(format!("{service} could not be started: {reason} {advice}").trim_end().to_owned())
}
