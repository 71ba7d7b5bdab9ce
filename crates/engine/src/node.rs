//! Nodes: what is wanted of one, and what is seen of one.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// Which node: the coordinates by which it is labelled.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct NodeName {
    /// Account and region, as `account/region`.
    pub tenant: String,
    /// The service's name.
    pub service: String,
    /// The version of its deployment.
    pub version: i64,
    /// Tells the nodes of one deployment apart, from 0.
    pub ordinal: u32,
}

/// What one node is to be. It holds nothing that a user could turn against the host, and an engine adds what keeps
/// its containers in: see the hardening in [`Engine`](crate::Engine).
#[derive(Clone, PartialEq, Serialize)]
pub struct NodeSpec {
    /// Its name.
    pub name: NodeName,
    /// The id of the service, unique for good, so that a deleted service's nodes are not taken for those of a later
    /// one of its name.
    pub service_id: String,
    /// Its containers, by name.
    pub containers: BTreeMap<String, ContainerSpec>,
    /// Processors that the node may use, such as 0.25.
    pub cpus: f64,
    /// Bytes of memory that the node may use.
    pub memory: u64,
}

/// What one container of a node is to be.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ContainerSpec {
    /// What the engine starts it by: [`PresentImage::reference`](crate::PresentImage).
    pub image: String,
    /// Replaces the image's command; if empty, the image's own runs.
    pub command: Vec<String>,
    /// Environment variables over those of the image.
    pub environment: BTreeMap<String, String>,
    /// The ports that it opens.
    pub ports: BTreeMap<u16, Protocol>,
}

impl fmt::Debug for ContainerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values of variables are secrets.
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
    /// Stands for all of this but the node's ordinal: two nodes with one hash are alike.
    pub fn hash(&self) -> String {
        let alike = Self { name: NodeName { ordinal: 0, ..self.name.clone() }, ..self.clone() };
        // Maps are sorted and there is no float that JSON cannot hold, so the text is one and the same.
        let text = serde_json::to_vec(&alike).unwrap_or_default();
        hex::encode(&Sha256::digest(&text)[..16])
    }

    /// The TCP ports that its containers open, and whose they are.
    pub fn tcp_ports(&self) -> BTreeMap<u16, &str> {
        let mut found = BTreeMap::new();
        for (name, container) in &self.containers {
            let tcp = container.ports.iter().filter(|(_, protocol)| **protocol == Protocol::Tcp);
            found.extend(tcp.map(|(port, _)| (*port, name.as_str())));
        }
        found
    }
}

/// What an engine calls a node. Good as long as the node is there; never kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeHandle(pub String);

/// A node as the engine shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSeen {
    /// What the engine calls it.
    pub handle: NodeHandle,
    /// Its name.
    pub name: NodeName,
    /// The [`NodeSpec::hash`] that it was made from.
    pub spec: String,
    /// Whether its network namespace is alive, and what was made in it is run or was. If not, the node has to be made
    /// anew.
    pub is_whole: bool,
    /// Its containers, by name.
    pub containers: BTreeMap<String, ContainerSeen>,
    /// Where this machine reaches each TCP port that a container opens.
    pub addresses: BTreeMap<u16, SocketAddr>,
}

/// A container as the engine shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerSeen {
    /// What it does.
    pub state: ContainerState,
    /// Tells one run of it from the next: changes with each start.
    pub run: String,
}

/// What a container does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerState {
    /// It was made and has not run yet; a reason if something holds it up.
    Starting(Option<String>),
    /// It runs.
    Running,
    /// It ended.
    Exited {
        /// With this status; 128 and the signal if it was ended by one.
        status: i64,
        /// Because it wanted more memory than its node has.
        out_of_memory: bool,
    },
}
