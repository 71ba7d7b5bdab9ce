//! Options for finding and using an engine.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use crate::{Archives, EngineError, Output, Result};

/// The engine to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The first one that answers: the named host, Docker's socket, Podman's sockets.
    Auto,
    /// Docker Engine.
    Docker,
    /// Podman.
    Podman,
}

/// How this machine reaches the ports of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// At the node's address on the engine's network, if this machine has a route to it. That also works while the
    /// engine is down. Otherwise at the published port.
    Auto,
    /// At the port that the engine publishes on its machine.
    Published,
}

/// Options for finding and using an engine.
#[derive(Clone)]
pub struct Options {
    /// The engine to use.
    pub choice: Choice,
    /// Its address in the form of `DOCKER_HOST`: `unix://`, `tcp://` or `http://`.
    pub host: Option<String>,
    /// The folder of the user's sockets (`XDG_RUNTIME_DIR`), where rootless engines listen.
    pub runtime_folder: Option<PathBuf>,
    /// The owner of everything that is made. Servers with different owners can share an engine. Lower-case letters,
    /// digits and `-`.
    pub owner: String,
    /// The `host:port` at which the engine reaches our registry.
    pub registry: String,
    /// Whether no other machine is on the way between the engine and the registry, as on loopback. Then the
    /// engine need not trust a certificate of the registry.
    pub registry_is_trusted: bool,
    /// Whether references to public images may resolve to private addresses.
    pub allow_private_registries: bool,
    /// How this machine reaches the ports of nodes.
    pub reach: Reach,
    /// The address on the engine's machine at which ports are published.
    pub published_on: IpAddr,
    /// The receiver of the containers' output.
    pub output: Arc<dyn Output>,
    /// A source of archives for images that the engine cannot pull from us.
    pub archives: Option<Arc<dyn Archives>>,
}

impl Options {
    /// The defaults: any engine of this machine, ports on loopback.
    pub fn new(owner: &str, registry: &str, output: Arc<dyn Output>) -> Self {
        Self {
            choice: Choice::Auto,
            host: None,
            runtime_folder: None,
            owner: owner.to_owned(),
            registry: registry.to_owned(),
            registry_is_trusted: true,
            allow_private_registries: false,
            reach: Reach::Auto,
            published_on: IpAddr::V4(Ipv4Addr::LOCALHOST),
            output,
            archives: None,
        }
    }

    /// The places where the engine may listen, in order.
    pub(super) fn places(&self) -> Result<Vec<Place>> {
        let mut places = Vec::new();
        if let Some(host) = &self.host {
            places.push(Place::read(host)?);
            if self.choice != Choice::Auto {
                return Ok(places);
            }
        }
        let users = |name: &str| self.runtime_folder.as_ref().map(|folder| folder.join(name));
        let docker = [Some(PathBuf::from("/var/run/docker.sock")), users("docker.sock")];
        let podman = [users("podman/podman.sock"), Some(PathBuf::from("/run/podman/podman.sock"))];
        let wanted = match self.choice {
            Choice::Auto => [docker, podman].concat(),
            Choice::Docker => docker.to_vec(),
            Choice::Podman => podman.to_vec(),
        };
        places.extend(wanted.into_iter().flatten().map(Place::Socket));
        Ok(places)
    }
}

/// The place where an engine listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A socket in the file system.
    Socket(PathBuf),
    /// A host and port with plain HTTP.
    Http(String),
}

impl Place {
    fn read(host: &str) -> Result<Self> {
        if let Some(path) = host.strip_prefix("unix://").filter(|path| path.starts_with('/')) {
            return Ok(Self::Socket(path.into()));
        }
        let address = host.strip_prefix("tcp://").or_else(|| host.strip_prefix("http://"));
        let address = address.map(|address| address.trim_end_matches('/')).filter(|one| !one.is_empty());
        address.map(|address| Self::Http(address.to_owned())).ok_or_else(|| {
            EngineError::Refused(format!(
                "the engine's address {host:?} cannot be used: it has to be unix:///PATH, tcp://HOST:PORT or \
                 http://HOST:PORT"
            ))
        })
    }

    /// Whether an engine may be listening at this address.
    pub(super) fn may_answer(&self) -> bool {
        match self {
            Self::Socket(path) => path.exists(),
            Self::Http(_) => true,
        }
    }

    /// Whether the address may belong to an engine on this machine.
    pub(super) fn is_here(&self) -> bool {
        match self {
            Self::Socket(_) => true,
            Self::Http(address) => {
                let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
                host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Http(address) => f.write_str(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_docker_reads_them() {
        assert_eq!(Place::read("unix:///x/y.sock").unwrap(), Place::Socket("/x/y.sock".into()));
        assert_eq!(Place::read("tcp://127.0.0.1:2375").unwrap(), Place::Http("127.0.0.1:2375".into()));
        assert_eq!(Place::read("http://h:1/").unwrap(), Place::Http("h:1".into()));
        for wrong in ["", "unix://", "unix://x", "ssh://me@host", "tcp://", "/var/run/docker.sock"] {
            assert!(Place::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_loopback_is_here() {
        assert!(Place::Socket("/s".into()).is_here());
        assert!(Place::Http("127.0.0.1:2375".into()).is_here());
        assert!(Place::Http("localhost:2375".into()).is_here());
        assert!(!Place::Http("10.0.0.1:2375".into()).is_here());
    }
}
