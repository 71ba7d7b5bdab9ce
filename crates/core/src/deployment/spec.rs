//! What a deployment runs, with every default filled in.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What a deployment runs. Kept sealed, since the values of environment variables are secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The containers of a node, each under its name.
    pub containers: BTreeMap<String, Container>,
    /// The port that the outside reaches.
    pub endpoint: Option<Endpoint>,
}

/// One container of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// The image as it was given; which digest runs is kept beside the spec.
    pub image: String,
    /// Replaces the image's command; if empty, the image's own runs.
    pub command: Vec<String>,
    /// Environment variables over those of the image.
    pub environment: Values,
    /// The ports that the container opens.
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

/// What is spoken on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    /// HTTP in clear.
    Http,
    /// HTTP over TLS.
    Https,
    /// Anything over TCP.
    Tcp,
    /// Anything over UDP.
    Udp,
}

/// The port that the outside reaches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Whose port it is.
    pub container: String,
    /// The port: one that the container opens for HTTP or HTTPS.
    pub port: u16,
    /// What tells a healthy node.
    pub health_check: HealthCheck,
}

/// What tells a healthy node from one that is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// Good answers in a row after which a node is healthy, 1 to 10.
    pub healthy_threshold: u32,
    /// Bad answers in a row after which it is no longer, 1 to 10.
    pub unhealthy_threshold: u32,
    /// Seconds to wait for an answer, 2 to 60.
    pub timeout_seconds: u32,
    /// Seconds from one question to the next, 5 to 300.
    pub interval_seconds: u32,
    /// The path that is asked for.
    pub path: String,
    /// The statuses that are good: numbers and ranges from 200 to 499, with commas.
    pub success_codes: String,
}

impl Default for HealthCheck {
    /// Lightsail's.
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
    /// Whether an answer with this status is a good one.
    pub fn accepts(&self, status: u16) -> bool {
        self.success_codes.split(',').any(|codes| {
            let (first, last) = codes.split_once('-').unwrap_or((codes, codes));
            let bounds = first.trim().parse().ok().zip(last.trim().parse().ok());
            bounds.is_some_and(|(first, last): (u16, u16)| (first..=last).contains(&status))
        })
    }
}
