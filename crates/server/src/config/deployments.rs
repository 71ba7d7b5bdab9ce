//! The configuration of deployments.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use gangplank_core::container_service::Entrance;
use gangplank_store::logs::LogsKept;
use gangplank_store::open::Location;

use super::{Config, TlsFiles};

/// How images of deployments are run, and how clients reach them.
#[derive(Clone, Debug)]
pub struct Deployments {
    /// The engine that runs them.
    pub engine: EngineChoice,
    /// The engine's address, in the form of `DOCKER_HOST`. `None` means that the server searches for the engine.
    pub engine_host: Option<String>,
    /// The `host:port` at which the engine reaches this registry; this server's own listener if `None`.
    pub engine_registry: Option<String>,
    /// How many processors may be promised to all services together. `None` means four times the processors of
    /// the engine's machine.
    pub engine_cpus: Option<f64>,
    /// How many bytes of memory may be promised to all services together. `None` means the memory of the
    /// engine's machine.
    pub engine_memory: Option<u64>,
    /// Whether images may be pulled from registries at private addresses. If `None`, only while every listener
    /// is on loopback.
    pub allow_private_registries: Option<bool>,
    /// How long a deployment may take to become active.
    pub timeout: Duration,
    /// The domain under which each service has its own name.
    pub service_domain: String,
    /// The scheme and port of services' URLs, if a proxy in front of this server has others.
    pub service_entrance: Option<Entrance>,
    /// A further listener, on which only services answer; none if `None`.
    pub endpoint_listen: Option<SocketAddr>,
    /// A further listener, which sends visitors of services on to `https://`; none if `None`.
    pub http_listen: Option<SocketAddr>,
    /// A listener for other replicas, which relay the visitors of services that run here; none if `None`.
    pub replica_listen: Option<SocketAddr>,
    /// The `host:port` at which other replicas reach that listener; its own address if `None`.
    pub replica_address: Option<String>,
    /// Certificates for domain names of services, by the names that `publicDomainNames` uses.
    pub certificates: BTreeMap<String, TlsFiles>,
    /// How much of the containers' logs is kept.
    pub logs: LogsKept,
    /// A further folder that is searched for sockets of engines: `$XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
}

/// Which engine runs images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// The first engine that answers, or none.
    #[default]
    Auto,
    /// Docker Engine. The server also starts while it is out of reach.
    Docker,
    /// Podman. The server also starts while it is out of reach.
    Podman,
    /// No engine: deployments are refused.
    None,
}

impl EngineChoice {
    /// The name of the engine. `None` if the choice names no engine.
    pub fn named(self) -> Option<&'static str> {
        match self {
            Self::Docker => Some("docker"),
            Self::Podman => Some("podman"),
            Self::Auto | Self::None => None,
        }
    }
}

impl Config {
    /// Checks that containers of an engine cannot reach the listener of health and metrics. Containers reach
    /// each listener on all addresses, through the gateways of their networks.
    ///
    /// `engine` is the name of the engine. A named engine is known before the start, a searched one once it is
    /// found.
    ///
    /// # Errors
    /// If there is an engine, and the listener is on all addresses.
    pub fn check_admin_listener(&self, engine: Option<&str>) -> Result<()> {
        let Some((engine, admin)) = engine.zip(self.admin_listen) else { return Ok(()) };
        if admin.ip().to_canonical().is_unspecified() {
            bail!(
                "--admin-listen {admin} is all addresses of this machine, and containers that {engine} runs would reach \
                 it: name one address, such as 127.0.0.1:{}, or run nothing with --engine none",
                admin.port()
            );
        }
        Ok(())
    }

    /// The `host:port` at which other servers of the store reach the services that run here; `None` if none run here
    /// or no other server uses the store. `bound` is the address that the listener for them got.
    ///
    /// # Errors
    /// If services run here, and other servers could not reach them.
    pub fn replica_address(&self, bound: Option<SocketAddr>) -> Result<Option<String>> {
        let is_shared = matches!(self.location, Location::Shared { .. });
        if !is_shared || self.deployments.engine == EngineChoice::None {
            return Ok(None);
        }
        let Some(listen) = bound.or(self.deployments.replica_listen) else {
            bail!(
                "--engine beside --database: visitors of a service also come to servers that do not run it, and those \
                 ask this one: give --replica-listen ADDR, an address in a network that only the servers share, or \
                 run nothing here with --engine none"
            )
        };
        if let Some(address) = &self.deployments.replica_address {
            return Ok(Some(address.clone()));
        }
        let ip = listen.ip().to_canonical();
        if ip.is_unspecified() || ip.is_loopback() && !self.listen.ip().to_canonical().is_loopback() {
            bail!(
                "other servers do not reach --replica-listen {listen} by this address: give --replica-address HOST:{}, \
                 by which they reach it",
                listen.port()
            );
        }
        Ok(Some(listen.to_string()))
    }
}

impl Default for Deployments {
    fn default() -> Self {
        Self {
            engine: EngineChoice::default(),
            engine_host: None,
            engine_registry: None,
            engine_cpus: None,
            engine_memory: None,
            allow_private_registries: None,
            timeout: Duration::from_mins(5),
            service_domain: "localhost".to_owned(),
            service_entrance: None,
            endpoint_listen: None,
            http_listen: None,
            replica_listen: None,
            replica_address: None,
            certificates: BTreeMap::new(),
            logs: LogsKept { age: Duration::from_hours(4 * 24), bytes: 100 << 20 },
            runtime_dir: None,
        }
    }
}
