//! Which engine, and how it is used.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use crate::{Archives, EngineError, Output, Result};

/// Which engine is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The first that answers: the named host, Docker's socket, Podman's sockets.
    Auto,
    /// Docker Engine.
    Docker,
    /// Podman.
    Podman,
}

/// How the ports of nodes are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// At the address on the engine's network where this machine has a way to it, which lives on when the engine does
    /// not; else at the published port.
    Auto,
    /// At the published port.
    Published,
}

/// How an engine is found and used.
#[derive(Clone)]
pub struct Options {
    /// Which engine.
    pub choice: Choice,
    /// Where it listens, as `DOCKER_HOST` says it: `unix://`, `tcp://` or `http://`.
    pub host: Option<String>,
    /// The folder of the user's sockets (`XDG_RUNTIME_DIR`), where rootless engines listen.
    pub runtime_folder: Option<PathBuf>,
    /// Told apart by this, servers share an engine. Lower-case letters, digits and `-`.
    pub owner: String,
    /// The `host:port` at which the engine reaches our registry.
    pub registry: String,
    /// Whether nobody else can be on the way to it, as on loopback: then it needs no certificate, and none that the
    /// engine trusts.
    pub registry_is_trusted: bool,
    /// Whether public references may point to private addresses.
    pub allow_private_registries: bool,
    /// How ports are reached.
    pub reach: Reach,
    /// The address of the engine's machine on which ports are published.
    pub published_on: IpAddr,
    /// Takes what containers print.
    pub output: Arc<dyn Output>,
    /// Images as archives, for when the engine cannot pull ours.
    pub archives: Option<Arc<dyn Archives>>,
}

impl Options {
    /// The usual ones: any engine of this machine, ports on loopback.
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

    /// Where the engine may listen, the first choice first.
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

/// Where an engine listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A socket in the file system.
    Socket(PathBuf),
    /// A host and port that speaks plain HTTP.
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

    /// Whether anything can be there at all.
    pub(super) fn may_answer(&self) -> bool {
        match self {
            Self::Socket(path) => path.exists(),
            Self::Http(_) => true,
        }
    }

    /// Whether it may be an engine of this machine.
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
