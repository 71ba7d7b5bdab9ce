//! What a server is told of running images.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use gangplank_core::container_service::Entrance;
use gangplank_store::logs::LogsKept;

use super::{Config, TlsFiles};

/// How registered images are run, and how they are reached.
#[derive(Clone, Debug)]
pub struct Deployments {
    /// What runs them.
    pub engine: EngineChoice,
    /// Where the engine is, as `DOCKER_HOST` says it; found by itself if `None`.
    pub engine_host: Option<String>,
    /// The `host:port` by which the engine reaches this registry; this server's own listener if `None`.
    pub engine_registry: Option<String>,
    /// Processors that services may be promised; four times the engine's machine's if `None`.
    pub engine_cpus: Option<f64>,
    /// Bytes of memory that services may be promised; the engine's machine's if `None`.
    pub engine_memory: Option<u64>,
    /// Whether references to private addresses may be pulled; only if everything listens on loopback if `None`.
    pub allow_private_registries: Option<bool>,
    /// How long a deployment may take to become active.
    pub timeout: Duration,
    /// The domain under which each service has its own name.
    pub service_domain: String,
    /// How services are reached, if not as this server listens: by a proxy in front of it.
    pub service_entrance: Option<Entrance>,
    /// Where only services answer, beside the main listener; nowhere if `None`.
    pub endpoint_listen: Option<SocketAddr>,
    /// Certificates for domain names of services, by the name that `publicDomainNames` says.
    pub certificates: BTreeMap<String, TlsFiles>,
    /// How much is kept of what containers print.
    pub logs: LogsKept,
    /// Where the sockets of engines are looked for beside those of the system: `$XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
}

/// What runs images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// The first engine that answers; none if none does.
    #[default]
    Auto,
    /// Docker Engine. It need not be there when the server starts.
    Docker,
    /// Podman. It need not be there when the server starts.
    Podman,
    /// Nothing: deployments are refused.
    None,
}

impl EngineChoice {
    /// The engine that was named, if one was.
    pub fn named(self) -> Option<&'static str> {
        match self {
            Self::Docker => Some("docker"),
            Self::Podman => Some("podman"),
            Self::Auto | Self::None => None,
        }
    }
}

impl Config {
    /// Asks whether the listener of health and metrics is out of reach of an engine's containers: they reach every
    /// service that listens on all addresses, by the gateways of their networks.
    ///
    /// `engine` is the engine that runs images. Where one is named, that is known before the start; where one is looked
    /// for, once it is found.
    ///
    /// # Errors
    /// If there is an engine and the listener is on all addresses.
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
            certificates: BTreeMap::new(),
            logs: LogsKept { age: Duration::from_hours(4 * 24), bytes: 100 << 20 },
            runtime_dir: None,
        }
    }
}
