//! Connects to the engine of the configuration.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use gangplank_engine::docker::{Choice, Docker, Options};
use gangplank_engine::{Archives, Engine, Output};

use crate::config::{Deployments, EngineChoice};

/// The facts about this server that its engine needs.
pub(crate) struct Here {
    /// Identifies this server in the labels of all that it makes in the engine.
    pub(crate) owner: String,
    /// Where the server listens.
    pub(crate) address: SocketAddr,
}

/// Connects to the engine. `None` if the configuration wants none, or if `Auto` found none.
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

/// The address at which an engine on this machine reaches a local listener.
fn local(address: SocketAddr) -> SocketAddr {
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    address
}

/// Whether a registry is on loopback, where nobody can intercept its traffic.
fn is_loopback(registry: &str) -> bool {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
