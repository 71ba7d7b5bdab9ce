//! The seam.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{ImageWanted, NodeHandle, NodeName, NodeSeen, NodeSpec, PresentImage, Result};

/// Runs nodes.
///
/// Every method may be repeated: what is there already is no mistake, and neither is what is gone already. An engine
/// shows, touches and removes what carries its owner's label and nothing else, so two servers may share one.
///
/// Whatever a node is to be, its containers drop every capability but the few that images need to step down from
/// root, gain no privileges, have bounded memory, processors, processes and files, and see nothing of the host.
#[async_trait]
pub trait Engine: Send + Sync {
    /// The engine's name for people, such as `docker`.
    fn name(&self) -> &'static str;

    /// What the engine's machine has.
    async fn host(&self) -> Result<Host>;

    /// Makes an image present.
    async fn ensure_image(&self, image: &ImageWanted) -> Result<PresentImage>;

    /// Removes images that this engine brought and that are neither in use nor among `keep` (references of
    /// [`PresentImage`]).
    async fn remove_images_except(&self, keep: &[String]) -> Result<()>;

    /// All nodes of the owner, or those of one service, as the engine shows them now.
    async fn nodes(&self, service: Option<(&str, &str)>) -> Result<Vec<NodeSeen>>;

    /// Makes and starts a node whose images are present. What its containers print goes to the engine's
    /// [`Output`](crate::Output) from the first line on. A node that could not be started whole is removed again.
    async fn start(&self, node: &NodeSpec) -> Result<NodeSeen>;

    /// Starts a container of a node again that has ended, in the same network namespace.
    async fn restart(&self, node: &NodeHandle, container: &str) -> Result<()>;

    /// Goes on reading what the containers of a node print, that an earlier run of the server started.
    async fn adopt(&self, node: &NodeHandle) -> Result<()>;

    /// Stops a node: its containers get SIGTERM, and after `grace` SIGKILL. Then it is removed.
    async fn remove(&self, node: &NodeHandle, grace: Duration) -> Result<()>;

    /// What a node uses; `None` while nothing of it runs.
    async fn usage(&self, node: &NodeHandle) -> Result<Option<Usage>>;

    /// Changes whenever something happened in the engine that may matter. A reason to look, and no more.
    fn changes(&self) -> watch::Receiver<u64>;

    /// The names of the nodes of which the engine's output is being read, for tests and metrics.
    fn reading(&self) -> Vec<NodeName>;
}

/// What an engine's machine has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Host {
    /// Processors.
    pub cpus: f64,
    /// Bytes of memory.
    pub memory: u64,
}

/// What a node uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Processor time of its containers since each began, in nanoseconds.
    pub processor: u64,
    /// Bytes of memory of all its containers, without what the kernel could take back.
    pub memory: u64,
}
