//! The spec of a deployment, with every default filled in.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The spec of a deployment. It is stored sealed, because the values of environment variables are secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The containers of a node, by name.
    pub containers: BTreeMap<String, Container>,
    /// The public endpoint.
    pub endpoint: Option<Endpoint>,
}

/// One container of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// The image as it was written. The digest that runs is stored separately from the spec.
    pub image: String,
    /// Replaces the image's command. If it is empty, the image's own runs.
    pub command: Vec<String>,
    /// Environment variables, which win over those of the image.
    pub environment: Values,
    /// The ports that the container opens, each with its protocol.
    pub ports: BTreeMap<u16, Protocol>,
}

/// The environment variables of a container. Their values are never printed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Values(pub BTreeMap<String, String>);

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.keys().map(|name| (name, "***"))).finish()
    }
}

/// The protocol of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    /// HTTP without TLS.
    Http,
    /// HTTP over TLS.
    Https,
    /// Anything over TCP.
    Tcp,
    /// Anything over UDP.
    Udp,
}

/// The public endpoint: the port that answers requests from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The container that opens the port.
    pub container: String,
    /// The port. The container opens it for HTTP or HTTPS.
    pub port: u16,
    /// The health check of a node.
    pub health_check: HealthCheck,
}

/// A health check, which distinguishes healthy nodes from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// The number of successful checks in a row after which a node is healthy, 1 to 10.
    pub healthy_threshold: u32,
    /// The number of failed checks in a row after which it is unhealthy, 1 to 10.
    pub unhealthy_threshold: u32,
    /// Seconds to wait for an answer, 2 to 60.
    pub timeout_seconds: u32,
    /// Seconds between two checks, 5 to 300.
    pub interval_seconds: u32,
    /// The path to request.
    pub path: String,
    /// The statuses of a successful check: numbers and ranges from 200 to 499, with commas.
    pub success_codes: String,
}

impl Default for HealthCheck {
    /// The defaults of Lightsail.
    fn default() -> Self {
        Self {
            healthy_threshold: 2,
            unhealthy_threshold: 2,
            timeout_seconds: 2,
            interval_seconds: 5,
            path: "/".to_owned(),
            success_codes: "200-499".to_owned(),
        }
    }
}

impl HealthCheck {
    /// Whether a check with this status is successful.
    pub fn accepts(&self, status: u16) -> bool {
        self.success_codes.split(',').any(|codes| {
            let (first, last) = codes.split_once('-').unwrap_or((codes, codes));
            let bounds = first.trim().parse().ok().zip(last.trim().parse().ok());
            bounds.is_some_and(|(first, last): (u16, u16)| (first..=last).contains(&status))
        })
    }
}
