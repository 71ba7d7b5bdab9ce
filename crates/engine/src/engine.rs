//! The seam.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{ImageWanted, NodeHandle, NodeName, NodeSeen, NodeSpec, PresentImage, Result};

/// Runs nodes.
///
/// Every method may be repeated. It is no error if a thing already exists, or is already gone. An engine lists,
/// changes and removes only what has its owner's label, so two servers may share one.
///
/// Every container is confined, whatever its node. It has only the few capabilities that images need to step down
/// from root. It cannot gain privileges. Its memory, processors, processes and files are limited. It sees nothing of
/// the host.
#[async_trait]
pub trait Engine: Send + Sync {
    /// The engine's name for people, such as `docker`.
    fn name(&self) -> &'static str;

    /// The resources of the engine's machine.
    async fn host(&self) -> Result<Host>;

    /// Identifies the engine. Servers that get the same answer share one engine, with its nodes and images. The answer
    /// stays the same when the engine restarts.
    async fn identity(&self) -> Result<String>;

    /// Makes sure that the engine has an image.
    async fn ensure_image(&self, image: &ImageWanted) -> Result<PresentImage>;

    /// Removes images that this engine brought, except those in use or in `keep` (references of [`PresentImage`]).
    async fn remove_images_except(&self, keep: &[String]) -> Result<()>;

    /// All nodes of the owner, or the nodes of one service, in their current state.
    async fn nodes(&self, service: Option<(&str, &str)>) -> Result<Vec<NodeSeen>>;

    /// Makes and starts a node. Its images have to be present. The output of its containers goes to
    /// [`Output`](crate::Output) from the first line on. If the node does not start completely, it is removed again.
    async fn start(&self, node: &NodeSpec) -> Result<NodeSeen>;

    /// Starts a container of a node that has ended, in the same network namespace.
    async fn restart(&self, node: &NodeHandle, container: &str) -> Result<()>;

    /// Reads the output of a node's containers that an earlier run of the server started.
    async fn adopt(&self, node: &NodeHandle) -> Result<()>;

    /// Stops a node: its containers get SIGTERM, and SIGKILL after `grace`. Then removes it.
    async fn remove(&self, node: &NodeHandle, grace: Duration) -> Result<()>;

    /// The resources that a node uses. `None` while none of its containers runs.
    async fn usage(&self, node: &NodeHandle) -> Result<Option<Usage>>;

    /// A number that changes when something happened in the engine. A change is only a reason to ask the
    /// engine.
    fn changes(&self) -> watch::Receiver<u64>;

    /// The names of the nodes whose output is being read, for tests and metrics.
    fn reading(&self) -> Vec<NodeName>;
}

/// The resources of an engine's machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Host {
    /// The number of processors, such as 0.25.
    pub cpus: f64,
    /// Bytes of memory.
    pub memory: u64,
}

/// The resources that a node uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The processor time of its containers since each was started, in nanoseconds.
    pub processor: u64,
    /// The memory of all its containers, in bytes, without pages that the kernel could drop.
    pub memory: u64,
}
