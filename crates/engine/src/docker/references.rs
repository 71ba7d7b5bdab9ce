//! References to public images: the registry in them, and whether the engine may ask it.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::{EngineError, Result};

/// The registry of references without one.
const DEFAULT_REGISTRY: &str = "docker.io";
/// The longest look-up of a registry's name. The engine looks it up again by itself.
const LOOK_UP: Duration = Duration::from_secs(3);

/// A reference in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// The registry's host, with its port if there is one.
    pub(super) registry: String,
    /// The repository, such as `library/nginx`.
    pub(super) repository: String,
    /// The reference without tag and digest, as it was written.
    pub(super) name: String,
    /// The tag, which follows `:`.
    pub(super) tag: Option<String>,
    /// The digest, which follows `@`.
    pub(super) digest: Option<String>,
}

impl Reference {
    pub(super) fn read(text: &str) -> Result<Self> {
        let wrong = || EngineError::NoImage(format!("{text:?} is no reference to an image"));
        let allowed = |one: char| one.is_ascii_alphanumeric() || "-._/:@+[]".contains(one);
        if text.is_empty() || text.len() > 512 || !text.chars().all(allowed) {
            return Err(wrong());
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.to_owned())),
            None => (text, None),
        };
        let last = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[last..].split_once(':') {
            Some((end, tag)) => (&rest[..last + end.len()], Some(tag.to_owned())),
            None => (rest, None),
        };
        let (registry, repository) = match name.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => {
                (host.to_ascii_lowercase(), path.to_owned())
            }
            Some(_) => (DEFAULT_REGISTRY.to_owned(), name.to_owned()),
            None => (DEFAULT_REGISTRY.to_owned(), format!("library/{name}")),
        };
        if repository.split('/').any(str::is_empty) || tag.as_deref() == Some("") {
            return Err(wrong());
        }
        let name = name.to_owned();
        Ok(Self { registry, repository, name, tag, digest })
    }

    /// Whether a name from the engine, such as one of `RepoDigests`, has the same repository.
    pub(super) fn is_of_repository(&self, other: &str) -> bool {
        Self::read(other).is_ok_and(|other| {
            official(&other.registry) == official(&self.registry) && other.repository == self.repository
        })
    }

    /// This repository with a digest.
    pub(super) fn at(&self, digest: &str) -> String {
        format!("{}@{digest}", self.name)
    }

    /// Refuses the id of an image, or the beginning of one. For `sha256:` and a few digits the engine would take any
    /// image that it has, even another tenant's.
    pub(super) fn check_is_no_id(&self) -> Result<()> {
        if self.name == "sha256" {
            return Err(EngineError::NoImage(
                "sha256: begins the id of an image in one engine, which no registry knows; name a repository, as in \
                 nginx@sha256:..."
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Refuses registries at private addresses, which a tenant must not make the engine contact.
    pub(super) async fn check_is_public(&self) -> Result<()> {
        let (host, port) = split_port(&self.registry);
        let refused = || {
            EngineError::NoImage(format!(
                "{} is not on a public address; the operator of the server can allow it with \
                 --engine-allow-private-registries",
                self.registry
            ))
        };
        let is_named_privately = match host.parse::<IpAddr>() {
            Ok(address) => is_private(address),
            Err(_) => is_private_name(host),
        };
        if is_named_privately {
            return Err(refused());
        }
        let look_up = tokio::net::lookup_host((host, port.unwrap_or(443)));
        let Ok(Ok(mut addresses)) = tokio::time::timeout(LOOK_UP, look_up).await else { return Ok(()) };
        if addresses.any(|address| is_private(address.ip())) { Err(refused()) } else { Ok(()) }
    }
}

/// The registry's official name, which references without a registry mean.
fn official(registry: &str) -> &str {
    match registry {
        "index.docker.io" | "registry-1.docker.io" => DEFAULT_REGISTRY,
        other => other,
    }
}

fn split_port(registry: &str) -> (&str, Option<u16>) {
    let (host, port) = match registry.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()),
        _ => (registry, None),
    };
    (host.trim_start_matches('[').trim_end_matches(']'), port)
}

/// Whether a name has a meaning only within a network.
fn is_private_name(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let inner = ["localhost", "local", "internal", "lan", "home", "intranet", "corp", "invalid"];
    let last = host.rsplit('.').next().unwrap_or(host);
    !host.contains('.') || inner.contains(&last)
}

/// Whether an address cannot be reached through the internet.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_broadcast()
                || first == 0
                || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(address) => {
            if let Some(address) = address.to_ipv4_mapped() {
                return is_private(address.into());
            }
            let first = address.segments()[0];
            address == Ipv6Addr::LOCALHOST
                || address.is_unspecified()
                || first & 0xfe00 == 0xfc00
                || first & 0xffc0 == 0xfe80
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, String, Option<String>, Option<String>) {
        let read = Reference::read(text).unwrap();
        (read.registry, read.repository, read.tag, read.digest)
    }

    #[test]
    fn references_are_taken_apart_as_docker_does() {
        let hub = || "docker.io".to_owned();
        assert_eq!(read("nginx"), (hub(), "library/nginx".into(), None, None));
        assert_eq!(read("nginx:1.27"), (hub(), "library/nginx".into(), Some("1.27".into()), None));
        assert_eq!(read("user/app@sha256:ab"), (hub(), "user/app".into(), None, Some("sha256:ab".into())));
        assert_eq!(
            read("public.ecr.aws/x/y:z@sha256:ab"),
            ("public.ecr.aws".into(), "x/y".into(), Some("z".into()), Some("sha256:ab".into()))
        );
        assert_eq!(read("localhost:5000/a"), ("localhost:5000".into(), "a".into(), None, None));
        for wrong in ["", "a b", "a//b", "x:", "a\nb", "$(a)"] {
            assert!(Reference::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ids_of_images_are_no_references() {
        for id in ["sha256:58", "sha256:58dc3911f188", "sha256", "sha256@sha256:ab"] {
            assert!(Reference::read(id).unwrap().check_is_no_id().is_err(), "{id}");
        }
        for named in ["nginx@sha256:ab", "user/sha256:1", "nginx"] {
            assert_eq!(Reference::read(named).unwrap().check_is_no_id(), Ok(()), "{named}");
        }
    }

    #[test]
    fn names_of_the_engine_are_of_the_same_repository() {
        let nginx = Reference::read("nginx:1.27").unwrap();
        assert!(nginx.is_of_repository("nginx@sha256:ab"));
        assert!(nginx.is_of_repository("docker.io/library/nginx:1"));
        assert!(!nginx.is_of_repository("user/nginx:1.27"));
        assert!(!nginx.is_of_repository("ghcr.io/library/nginx:1.27"));
    }

    #[tokio::test]
    async fn private_addresses_are_refused() {
        for private in [
            "localhost/a",
            "localhost:5000/a",
            "127.0.0.1:5000/a",
            "10.1.2.3/a",
            "172.20.0.1:80/a",
            "192.168.1.1/a",
            "169.254.169.254/latest",
            "100.64.0.1/a",
            "[::1]:5000/a",
            "[fd00::1]:5000/a",
            "[::ffff:10.0.0.1]:80/a",
            "registry:5000/a",
            "db.internal/a",
            "printer.local:631/a",
            "x.localhost/a",
            "0.0.0.0:1/a",
        ] {
            let refused = Reference::read(private).unwrap().check_is_public().await;
            assert!(matches!(refused, Err(EngineError::NoImage(_))), "{private}");
        }
        for public in ["93.184.216.34/a", "[2606:2800::1]:443/a"] {
            assert_eq!(Reference::read(public).unwrap().check_is_public().await, Ok(()), "{public}");
        }
    }
}
