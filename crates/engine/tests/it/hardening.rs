//! The limits that confine containers. They are checked from outside, in the engine's configuration, and from
//! inside, by the actions of a container.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bollard::models::{ContainerInspectResponse, HostConfig};

use crate::actor::node;
use crate::contract::{Trial, trial};
use crate::world::World;

/// Checks settings that must exist, settings that must not exist, and actions that must fail.
pub(crate) async fn containers_are_kept_in(world: Arc<World>) {
    let trial = trial(&world).await;
    let mut spec = node(3, &[("app", "serve 8080"), ("probe", "probe")]);
    spec.cpus = 64.0;
    let started = trial.engine.start(&spec).await.expect("a node");
    let host = trial.engine.host().await.expect("the host");
    let made = world.daemon().containers(&[("owner", &trial.owner)]).await;
    assert_eq!(made.len(), 3);
    for one in &made {
        let labels = one.config.as_ref().unwrap().labels.clone().unwrap();
        let name = labels.get("dev.gangplank.container").map(String::as_str);
        let config = one.host_config.as_ref().unwrap();
        holds_for_all(one, config);
        for (label, value) in [
            ("owner", trial.owner.as_str()),
            ("tenant", "1/us-east-1"),
            ("service", "web"),
            ("deployment", "3"),
            ("node", "0"),
            ("spec", &spec.hash()),
        ] {
            assert_eq!(labels[&format!("dev.gangplank.{label}")], value);
        }
        let called = one.name.as_deref().unwrap().trim_start_matches('/');
        if let Some(name) = name {
            assert!(called.starts_with(&format!("gp-web-3-0-{name}")), "{called}");
            holds_for_containers(config, spec.memory, host.cpus);
        } else {
            assert!(called.starts_with("gp-web-3-0"), "{called}");
            holds_for_pauses(config);
        }
    }
    probes_fail(&trial, &spec.name).await;
    trial.engine.remove(&started.handle, Duration::ZERO).await.expect("a removal");
    let left = world
        .daemon()
        .client()
        .list_volumes(None::<bollard::query_parameters::ListVolumesOptions>)
        .await
        .expect("the volumes")
        .volumes;
    assert!(left.unwrap_or_default().is_empty(), "volumes of an image are left");
}

fn holds_for_all(one: &ContainerInspectResponse, config: &HostConfig) {
    assert_ne!(config.privileged, Some(true));
    for (what, is_there) in [
        // Podman lists the image's own volume here, under a name.
        ("binds of the host's", config.binds.iter().flatten().any(|bind| bind.starts_with('/'))),
        ("mounts", config.mounts.as_ref().is_some_and(|some| !some.is_empty())),
        ("volumes of others", config.volumes_from.as_ref().is_some_and(|some| !some.is_empty())),
        ("devices", config.devices.as_ref().is_some_and(|some| !some.is_empty())),
        ("device requests", config.device_requests.as_ref().is_some_and(|some| !some.is_empty())),
        ("groups", config.group_add.as_ref().is_some_and(|some| !some.is_empty())),
        ("sysctls", config.sysctls.as_ref().is_some_and(|some| !some.is_empty())),
        ("publishing of all ports", config.publish_all_ports == Some(true)),
        ("life after memory is used up", config.oom_kill_disable == Some(true)),
    ] {
        assert!(!is_there, "{what}: {config:?}");
    }
    for mode in [&config.pid_mode, &config.ipc_mode, &config.uts_mode, &config.userns_mode] {
        let mode = mode.as_deref().unwrap_or_default();
        assert!(["", "private", "shareable"].contains(&mode), "{mode}");
    }
    let dropped = config.cap_drop.clone().unwrap_or_default();
    // Podman lists each dropped capability by name.
    assert!(dropped == ["ALL"] || dropped.iter().any(|one| one.ends_with("NET_RAW")), "{dropped:?}");
    let options = config.security_opt.clone().unwrap_or_default();
    assert!(options.iter().any(|one| one.starts_with("no-new-privileges")), "{options:?}");
    assert!(!options.iter().any(|one| one.contains("unconfined") || one.contains("disable")), "{options:?}");
    let restart = config.restart_policy.as_ref().and_then(|policy| policy.name).map(|name| name.to_string());
    assert!(["", "no"].contains(&restart.as_deref().unwrap_or_default()), "{restart:?}");
    assert_eq!(config.memory, config.memory_swap);
    assert_eq!(config.init, Some(true));
    let files = config
        .ulimits
        .iter()
        .flatten()
        .find(|one| one.name.as_deref().unwrap_or_default().to_lowercase().ends_with("nofile"));
    assert!(
        files.and_then(|files| files.hard).is_some_and(|hard| (1_024..=65_536).contains(&hard)),
        "{files:?}"
    );
    let config = one.config.as_ref().unwrap();
    assert_ne!(config.tty, Some(true));
    assert_ne!(config.open_stdin, Some(true));
}

fn holds_for_containers(config: &HostConfig, memory: u64, cpus: f64) {
    assert_eq!(config.memory, i64::try_from(memory).ok());
    assert_eq!(config.pids_limit, Some(512));
    let quota = config.cpu_quota.unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let nano = config.nano_cpus.filter(|nano| *nano > 0).map_or(quota as f64 / 1e5, |nano| nano as f64 / 1e9);
    assert!((nano - cpus).abs() < 0.01, "{nano} of {cpus}: {config:?}");
    assert!(config.network_mode.as_deref().is_some_and(|mode| mode.starts_with("container:")));
    assert!(config.port_bindings.as_ref().is_none_or(std::collections::HashMap::is_empty));
    let added: Vec<_> = config.cap_add.iter().flatten().map(|one| one.trim_start_matches("CAP_")).collect();
    let allowed = [
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "NET_BIND_SERVICE",
        "SETGID",
        "SETPCAP",
        "SETUID",
    ];
    assert!(added.iter().all(|one| allowed.contains(one)), "{added:?}");
    let log = config.log_config.clone().unwrap();
    // Podman has another name for this setting.
    assert!(["json-file", "k8s-file"].contains(&log.typ.as_deref().unwrap()), "{log:?}");
}

fn holds_for_pauses(config: &HostConfig) {
    assert_eq!((config.memory, config.pids_limit), (Some(16 << 20), Some(16)));
    assert_eq!(config.readonly_rootfs, Some(true));
    assert!(config.cap_add.as_ref().is_none_or(Vec::is_empty), "{:?}", config.cap_add);
    for binding in config.port_bindings.clone().unwrap_or_default().into_values().flatten().flatten() {
        assert_eq!(binding.host_ip.as_deref(), Some("127.0.0.1"));
    }
}

async fn probes_fail(trial: &Trial, node: &gangplank_engine::NodeName) {
    let lines = trial.output.wait_for(node, "probe", |lines| lines.len() >= 9).await;
    for (probe, expected) in [
        ("raw", "0"),
        ("packet", "0"),
        ("device", "0"),
        ("root", "0"),
        ("clock", "0"),
        ("chown", "1"),
        ("user", "1"),
        ("back", "0"),
    ] {
        assert!(lines.contains(&format!("{probe} {expected}")), "{probe}: {lines:?}");
    }
}

/// The processes and the memory of a container are limited, and another node is not affected.
pub(crate) async fn a_greedy_container_harms_nobody(world: Arc<World>) {
    let trial = trial(&world).await;
    let quiet = node(1, &[("app", "serve 8080")]);
    let greedy = node(2, &[("fork", "fork"), ("hog", "hog")]);
    let quiet = trial.engine.start(&quiet).await.expect("a node");
    trial.engine.start(&greedy).await.expect("a node");
    let lines = trial.output.wait_for(&greedy.name, "fork", |lines| !lines.is_empty()).await;
    let forked: i64 = lines[0].trim_start_matches("forked ").parse().expect("a number");
    assert!((400..=512).contains(&forked), "{forked}");
    crate::contract::wait_for_answer(quiet.addresses[&8080]).await;
    let seen = trial.engine.nodes(None).await.expect("the nodes");
    assert!(seen.iter().all(|node| node.is_whole), "{seen:?}");
    trial.end().await;
}

/// Containers of a node reach each other on `localhost`. Services of a tenant reach each other by their private
/// names, and cannot reach services of other tenants.
pub(crate) async fn names_and_ports_are_the_tenants(world: Arc<World>) {
    let trial = trial(&world).await;
    let mut served = node(1, &[("app", "serve 8080"), ("beside", "ask 8080")]);
    served.name.service = "served".into();
    let mut second = served.clone();
    second.name.ordinal = 1;
    let asking = node(1, &[("app", "resolve served.service.local")]);
    let mut other = asking.clone();
    other.name.tenant = "2/us-east-1".into();
    for spec in [&served, &second, &asking, &other] {
        trial.engine.start(spec).await.expect("a node");
    }
    let said = async |spec: &gangplank_engine::NodeSpec, name: &str| {
        trial.output.wait_for(&spec.name, name, |lines| !lines.is_empty()).await.remove(0)
    };
    assert_eq!(said(&served, "beside").await, "reached");
    assert_eq!(said(&asking, "app").await, "2 addresses");
    // If no other name server can be reached, there is no answer at all.
    let foreign = said(&other, "app").await;
    assert!(["0 addresses", "no answer"].contains(&foreign.as_str()), "{foreign}");
    trial.end().await;
}

/// A tenant has one network, even if many nodes start at once. It is removed with the last node.
pub(crate) async fn a_tenant_has_one_network(world: Arc<World>) {
    let trial = trial(&world).await;
    let specs: Vec<_> = (0..6)
        .map(|ordinal| {
            let mut spec = node(1, &[("app", "wait")]);
            spec.name.ordinal = ordinal;
            spec
        })
        .collect();
    let began = Instant::now();
    let started = futures_util::future::join_all(specs.iter().map(|spec| trial.engine.start(spec))).await;
    assert!(started.iter().all(Result::is_ok), "{started:?}");
    eprintln!("six nodes at once: {:?}", began.elapsed());
    assert_eq!(networks(&world, &trial.owner).await, 1);
    trial.end().await;
    assert_eq!(networks(&world, &trial.owner).await, 0);
}

async fn networks(world: &World, owner: &str) -> usize {
    let filters = [("label", vec![format!("dev.gangplank.owner={owner}")])].into();
    let options = bollard::query_parameters::ListNetworksOptionsBuilder::new().filters(&filters).build();
    world.daemon().client().list_networks(Some(options)).await.expect("the networks").len()
}
