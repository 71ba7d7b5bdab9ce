//! The requests that make containers. Everything that confines a container is here, and no part of it comes from a
//! client.

use std::collections::HashMap;
use std::net::IpAddr;

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HealthConfig, HostConfig, HostConfigLogConfig, NetworkingConfig,
    PortBinding, ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum,
};

use super::limits::Limits;
use super::{labels, pause_image};
use crate::{ContainerSpec, NodeSpec};

/// The capabilities that images need when they start as root and step down: to own files, switch users, open low
/// ports, and end their processes.
const CAPABILITIES: [&str; 9] =
    ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETGID", "SETPCAP", "SETUID"];
/// The largest number of processes and threads of a container.
const PROCESSES: i64 = 512;
/// The memory of a pause container, in bytes. It needs less than one MiB.
const PAUSE_MEMORY: i64 = 16 << 20;
/// The largest number of processes of a pause container.
const PAUSE_PROCESSES: i64 = 16;

/// Limits of the engine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The processors of its machine.
    pub(super) cpus: f64,
    /// The kernel's limits.
    pub(super) limits: Limits,
}

/// Describes the pause container of a node.
pub(super) fn pause(
    owner: &str,
    node: &NodeSpec,
    network: &str,
    published_on: IpAddr,
    bounds: Bounds,
) -> ContainerCreateBody {
    let ports: Vec<String> = node.tcp_ports().keys().map(|port| format!("{port}/tcp")).collect();
    let binding = PortBinding { host_ip: Some(published_on.to_string()), host_port: Some(String::new()) };
    let bindings = ports.iter().map(|port| (port.clone(), Some(vec![binding.clone()]))).collect();
    // The private name. Every node of the service answers to it, for all services of the tenant.
    let endpoint = EndpointSettings {
        aliases: Some(vec![format!("{}.service.local", node.name.service)]),
        ..EndpointSettings::default()
    };
    ContainerCreateBody {
        image: Some(pause_image::NAME.to_owned()),
        labels: Some(labels::of_container(owner, node, None)),
        exposed_ports: Some(ports),
        host_config: Some(HostConfig {
            network_mode: Some(network.to_owned()),
            port_bindings: Some(bindings),
            readonly_rootfs: Some(true),
            cap_add: None,
            memory: Some(PAUSE_MEMORY),
            memory_swap: Some(PAUSE_MEMORY),
            pids_limit: Some(PAUSE_PROCESSES),
            ..kept_in(bounds)
        }),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some([(network.to_owned(), endpoint)].into()),
        }),
        ..ContainerCreateBody::default()
    }
}

/// Describes a container of a node, in the network namespace of its pause container. Each container may use the whole
/// power of the node, because engines cannot group several.
pub(super) fn container(
    owner: &str,
    node: &NodeSpec,
    name: &str,
    spec: &ContainerSpec,
    pause: &str,
    bounds: Bounds,
) -> ContainerCreateBody {
    let memory = i64::try_from(node.memory).unwrap_or(i64::MAX);
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        labels: Some(labels::of_container(owner, node, Some(name))),
        cmd: (!spec.command.is_empty()).then(|| spec.command.clone()),
        env: Some(spec.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        // The server makes health checks itself. The image's own check would use the node's power.
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() }),
        host_config: Some(HostConfig {
            network_mode: Some(format!("container:{pause}")),
            memory: Some(memory),
            memory_swap: Some(memory),
            nano_cpus: Some(nano_cpus(node.cpus.min(bounds.cpus))),
            ..kept_in(bounds)
        }),
        ..ContainerCreateBody::default()
    }
}

/// Converts processors to the engine's unit.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a machine has fewer than nine thousand million processors"
)]
fn nano_cpus(cpus: f64) -> i64 {
    (cpus * 1e9).round() as i64
}

/// The limits that confine every container.
fn kept_in(bounds: Bounds) -> HostConfig {
    let limits = [("nofile", bounds.limits.files), ("nproc", bounds.limits.processes)];
    let limits = limits
        .into_iter()
        .filter(|(_, limit)| limit.is_some())
        .map(|(name, limit)| ResourcesUlimits { name: Some(name.to_owned()), soft: limit, hard: limit });
    let log: HashMap<_, _> = [("max-size", "10m"), ("max-file", "2")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    HostConfig {
        init: Some(true),
        cap_drop: Some(vec!["ALL".to_owned()]),
        cap_add: Some(CAPABILITIES.map(str::to_owned).into()),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        pids_limit: Some(PROCESSES),
        ulimits: Some(limits.collect()),
        log_config: Some(HostConfigLogConfig { typ: Some("json-file".to_owned()), config: Some(log) }),
        // Only the server starts containers. The engine would also start those that the server no longer wants.
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            maximum_retry_count: None,
        }),
        ..HostConfig::default()
    }
}
