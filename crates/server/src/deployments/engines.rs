//! The engine that the configuration names.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use gangplank_engine::docker::{Choice, Docker, Options};
use gangplank_engine::{Archives, Engine, Output};

use crate::config::{Deployments, EngineChoice};

/// What an engine has to know of the server that uses it.
pub(crate) struct Here {
    /// Names what the server makes in the engine.
    pub(crate) owner: String,
    /// Where the server listens.
    pub(crate) address: SocketAddr,
}

/// The engine that is to run services. None if none is wanted, or none was found where any will do.
///
/// # Errors
/// If the engine's address cannot be used.
pub(crate) async fn connect(
    config: &Deployments,
    here: Here,
    output: Arc<dyn Output>,
    archives: Arc<dyn Archives>,
) -> Result<Option<Arc<dyn Engine>>> {
    let choice = match config.engine {
        EngineChoice::Auto => Choice::Auto,
        EngineChoice::Docker => Choice::Docker,
        EngineChoice::Podman => Choice::Podman,
        EngineChoice::None => return Ok(None),
    };
    let registry = config.engine_registry.clone().unwrap_or_else(|| local(here.address).to_string());
    let options = Options {
        choice,
        host: config.engine_host.clone(),
        runtime_folder: config.runtime_dir.clone(),
        registry_is_trusted: is_loopback(&registry),
        allow_private_registries: config.allow_private_registries.unwrap_or(here.address.ip().is_loopback()),
        archives: Some(archives),
        ..Options::new(&here.owner, &registry, output)
    };
    let engine = Docker::connect(options).await.context("--engine-host")?;
    Ok(engine.map(|engine| Arc::new(engine) as Arc<dyn Engine>))
}

/// Where an engine of this machine reaches what listens here.
fn local(address: SocketAddr) -> SocketAddr {
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    address
}

/// Whether nobody else can be on the way to a registry.
fn is_loopback(registry: &str) -> bool {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
