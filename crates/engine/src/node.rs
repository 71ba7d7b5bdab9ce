//! Nodes: their specification, and their state in the engine.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The name of a node, which is in its labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct NodeName {
    /// Account and region, as `account/region`.
    pub tenant: String,
    /// The service's name.
    pub service: String,
    /// The version of its deployment.
    pub version: i64,
    /// The number of the node in its deployment, from 0.
    pub ordinal: u32,
}

/// The specification of a node. It has nothing that a user could turn against the host. The engine adds the limits
/// that confine containers, see [`Engine`](crate::Engine).
#[derive(Clone, PartialEq, Serialize)]
pub struct NodeSpec {
    /// Its name.
    pub name: NodeName,
    /// The id of the service, never used twice. So a deleted service's nodes are not taken for those of a later
    /// service with the same name.
    pub service_id: String,
    /// Its containers, by name.
    pub containers: BTreeMap<String, ContainerSpec>,
    /// The processors that the node may use, such as 0.25.
    pub cpus: f64,
    /// The memory that the node may use, in bytes.
    pub memory: u64,
}

/// The specification of one container of a node.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ContainerSpec {
    /// The reference with which the engine starts the image: [`PresentImage::reference`](crate::PresentImage).
    pub image: String,
    /// Replaces the image's command. If it is empty, the image's own runs.
    pub command: Vec<String>,
    /// Environment variables, which win over those of the image.
    pub environment: BTreeMap<String, String>,
    /// The ports that it opens.
    pub ports: BTreeMap<u16, Protocol>,
}

impl fmt::Debug for ContainerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values of variables are secrets.
        f.debug_struct("ContainerSpec").field("image", &self.image).finish_non_exhaustive()
    }
}

impl fmt::Debug for NodeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeSpec")
            .field("name", &self.name)
            .field("containers", &self.containers)
            .finish_non_exhaustive()
    }
}

/// The transport of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl NodeSpec {
    /// A hash of everything except the node's ordinal. Two nodes with the same hash are equal. An image counts by its
    /// digest, because servers that share an engine reach the registry at different addresses.
    pub fn hash(&self) -> String {
        let mut alike = Self { name: NodeName { ordinal: 0, ..self.name.clone() }, ..self.clone() };
        for container in alike.containers.values_mut() {
            if let Some(digest) = digest_of(&container.image) {
                container.image = digest.to_owned();
            }
        }
        // Maps are sorted, and JSON can hold every float here, so equal specifications give equal text.
        let text = serde_json::to_vec(&alike).unwrap_or_default();
        hex::encode(&Sha256::digest(&text)[..16])
    }

    /// The TCP ports that its containers open, each with the container.
    pub fn tcp_ports(&self) -> BTreeMap<u16, &str> {
        let mut found = BTreeMap::new();
        for (name, container) in &self.containers {
            let tcp = container.ports.iter().filter(|(_, protocol)| **protocol == Protocol::Tcp);
            found.extend(tcp.map(|(port, _)| (*port, name.as_str())));
        }
        found
    }
}

/// The hexadecimal digits of the digest at the end of a reference, if it ends in one.
fn digest_of(reference: &str) -> Option<&str> {
    let (_, digits) = reference.rsplit_once(':')?;
    let is_digest = digits.len() >= 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_digest.then_some(digits)
}

/// The engine's handle of a node. It is valid as long as the node exists, and is never stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeHandle(pub String);

/// The state of a node in the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSeen {
    /// The engine's handle of the node.
    pub handle: NodeHandle,
    /// Its name.
    pub name: NodeName,
    /// The [`NodeSpec::service_id`] that it was made from. `None` if an earlier version of the program made it.
    pub service_id: Option<String>,
    /// The [`NodeSpec::hash`] that it was made from.
    pub spec: String,
    /// Whether its network namespace exists and its start was complete. If not, the node has to be made again.
    /// Containers that were never made are missing in `containers`.
    pub is_whole: bool,
    /// Its containers, by name.
    pub containers: BTreeMap<String, ContainerSeen>,
    /// The address at which this machine reaches each TCP port.
    pub addresses: BTreeMap<u16, SocketAddr>,
}

impl NodeSeen {
    /// Whether it is a node of the service with this id. A node without an id may belong to it.
    pub fn is_of(&self, service_id: &str) -> bool {
        self.service_id.as_deref().is_none_or(|id| id == service_id)
    }
}

/// The state of a container in the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerSeen {
    /// Whether the container runs.
    pub state: ContainerState,
    /// A text that changes with each start, and so identifies a run.
    pub run: String,
}

/// The state of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerState {
    /// It was made and has not run yet. The text is the reason for a delay, if there is one.
    Starting(Option<String>),
    /// It runs.
    Running,
    /// It ended.
    Exited {
        /// The exit status. If a signal ended the container, 128 plus the number of the signal.
        status: i64,
        /// Whether it ended because it wanted more memory than its node has.
        out_of_memory: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash_with(image: &str) -> String {
        let container = ContainerSpec {
            image: image.to_owned(),
            command: Vec::new(),
            environment: BTreeMap::new(),
            ports: BTreeMap::new(),
        };
        let name = NodeName { tenant: "1/r".into(), service: "web".into(), version: 7, ordinal: 2 };
        let containers = [("app".to_owned(), container)].into();
        NodeSpec { name, service_id: "s".into(), containers, cpus: 0.25, memory: 1 << 29 }.hash()
    }

    #[test]
    fn images_count_by_their_digests() {
        let (one, two) = ("1".repeat(64), "2".repeat(64));
        let pulled = hash_with(&format!("127.0.0.1:5001/web@sha256:{one}"));
        assert_eq!(pulled, hash_with(&format!("127.0.0.1:5002/web@sha256:{one}")));
        assert_eq!(pulled, hash_with(&format!("gangplank.invalid/owner/127.0.0.1-5002/web:{one}")));
        assert_ne!(pulled, hash_with(&format!("127.0.0.1:5001/web@sha256:{two}")));
        assert_ne!(hash_with("web:latest"), hash_with("other:latest"));
    }
}
