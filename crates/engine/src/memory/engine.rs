//! One server's connection to a machine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use super::node::{Container, Node};
use super::serving;
use super::{Machine, Step};
use crate::{
    Engine, EngineError, Host, ImageWanted, NodeHandle, NodeName, NodeSeen, NodeSpec, Output, PresentImage,
    Result, Usage,
};

/// An engine in memory, for one server. After it is dropped, nothing reads the output of its nodes. They keep
/// running.
pub struct Memory {
    machine: Machine,
    number: u64,
    owner: String,
    output: Arc<dyn Output>,
}

impl Memory {
    pub(super) fn new(machine: Machine, owner: &str, output: Arc<dyn Output>) -> Self {
        Self { number: machine.next(), machine, owner: owner.to_owned(), output }
    }

    /// The machine that it runs on.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    fn present(&self, image: &ImageWanted) -> Result<PresentImage> {
        let (name, digest) = match image {
            ImageWanted::Ours { repository, digest, .. } => (repository, digest.clone()),
            ImageWanted::Public { reference, pinned } => {
                let made_up = || format!("sha256:{}", hex::encode(Sha256::digest(reference)));
                (reference, pinned.clone().unwrap_or_else(made_up))
            }
        };
        let reference = format!("{name}@{digest}");
        let mut state = self.machine.state();
        if state.missing.iter().any(|part| reference.contains(part)) {
            return Err(EngineError::NoImage(format!("manifest unknown: {reference}")));
        }
        state.images.insert((self.owner.clone(), reference.clone()));
        Ok(PresentImage { reference, digest: Some(digest), remark: None })
    }

    fn owned(&self, handle: &NodeHandle) -> Result<()> {
        let mut state = self.machine.state();
        if state.node(&handle.0)?.owner == self.owner { Ok(()) } else { Err(EngineError::NoNode) }
    }

    async fn make(&self, spec: &NodeSpec) -> Result<NodeSeen> {
        {
            let mut state = self.machine.state();
            let there = state.nodes.iter_mut().find(|(_, node)| node.is_already(&self.owner, spec));
            if let Some((handle, node)) = there {
                node.read_on(self.number, &self.output);
                return Ok(node.seen(handle));
            }
            for container in spec.containers.values() {
                if !state.images.iter().any(|(_, image)| *image == container.image) {
                    return Err(EngineError::NoImage(format!("no such image: {}", container.image)));
                }
            }
            state.nodes.retain(|_, node| node.owner != self.owner || node.spec.name != spec.name);
        }
        let handle = format!("node-{}", self.machine.next());
        let (mut addresses, mut listeners) = (BTreeMap::new(), Vec::new());
        for (port, container) in spec.tcp_ports() {
            let (address, listener) = serving::listen(&self.machine, &handle, container.to_owned()).await?;
            addresses.insert(port, address);
            listeners.push(listener);
        }
        let node = Node {
            owner: self.owner.clone(),
            spec: spec.clone(),
            is_whole: true,
            containers: spec.containers.keys().map(|name| (name.clone(), Container::new())).collect(),
            addresses,
            listeners,
            reader: None,
        };
        {
            let mut state = self.machine.state();
            state.nodes.entry(handle.clone()).or_insert(node).read_on(self.number, &self.output);
        }
        for container in spec.containers.keys() {
            if let Err(error) = self.machine.run(&handle, container) {
                self.machine.state().nodes.remove(&handle);
                return Err(error);
            }
        }
        let mut state = self.machine.state();
        Ok(state.node(&handle)?.seen(&handle))
    }

    async fn stop(&self, handle: &NodeHandle, grace: Duration) -> Result<()> {
        if self.owned(handle).is_err() {
            return Ok(());
        }
        let takes = {
            let mut state = self.machine.state();
            let node = state.node(&handle.0)?;
            node.containers.values().map(|one| one.behaviour.stops_in).max().unwrap_or_default()
        };
        let time = takes.min(grace);
        if !time.is_zero() {
            tokio::time::sleep(time).await;
        }
        self.machine.state().nodes.remove(&handle.0);
        self.machine.changed();
        Ok(())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        for node in self.machine.state().nodes.values_mut() {
            node.reader.take_if(|reader| reader.engine == self.number);
        }
    }
}

#[async_trait]
impl Engine for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    async fn host(&self) -> Result<Host> {
        self.machine.play(Step::Host, async { Ok(self.machine.state().host) }).await
    }

    async fn identity(&self) -> Result<String> {
        Ok(self.machine.identity())
    }

    async fn ensure_image(&self, image: &ImageWanted) -> Result<PresentImage> {
        self.machine.play(Step::EnsureImage, async { self.present(image) }).await
    }

    async fn remove_images_except(&self, keep: &[String]) -> Result<()> {
        let work = async {
            let mut state = self.machine.state();
            let wanted = |image: &String| keep.contains(image);
            let used: Vec<String> = state
                .nodes
                .values()
                .flat_map(|node| node.spec.containers.values().map(|container| container.image.clone()))
                .collect();
            state
                .images
                .retain(|(owner, image)| *owner != self.owner || wanted(image) || used.contains(image));
            Ok(())
        };
        self.machine.play(Step::RemoveImages, work).await
    }

    async fn nodes(&self, service: Option<(&str, &str)>) -> Result<Vec<NodeSeen>> {
        let work = async {
            let state = self.machine.state();
            let asked_for = |node: &&Node| {
                service.is_none_or(|(tenant, service)| {
                    node.name().tenant == tenant && node.name().service == service
                })
            };
            let nodes = state.nodes.iter().filter(|(_, node)| node.owner == self.owner && asked_for(node));
            Ok(nodes.map(|(handle, node)| node.seen(handle)).collect())
        };
        self.machine.play(Step::Nodes, work).await
    }

    async fn start(&self, node: &NodeSpec) -> Result<NodeSeen> {
        self.machine.play(Step::Start, self.make(node)).await
    }

    async fn restart(&self, node: &NodeHandle, container: &str) -> Result<()> {
        let work = async {
            self.owned(node)?;
            if !self.machine.state().node(&node.0)?.is_whole {
                return Err(EngineError::NoNode);
            }
            self.machine.run(&node.0, container)
        };
        self.machine.play(Step::Restart, work).await
    }

    async fn adopt(&self, node: &NodeHandle) -> Result<()> {
        let work = async {
            self.owned(node)?;
            self.machine.state().node(&node.0)?.read_on(self.number, &self.output);
            Ok(())
        };
        self.machine.play(Step::Adopt, work).await
    }

    async fn remove(&self, node: &NodeHandle, grace: Duration) -> Result<()> {
        self.machine.play(Step::Remove, self.stop(node, grace)).await
    }

    async fn usage(&self, node: &NodeHandle) -> Result<Option<Usage>> {
        let work = async {
            self.owned(node)?;
            let mut state = self.machine.state();
            let each = state.node(&node.0)?.containers.values().filter_map(Container::usage);
            Ok(each
                .reduce(|a, b| Usage { processor: a.processor + b.processor, memory: a.memory + b.memory }))
        };
        self.machine.play(Step::Usage, work).await
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.machine.changes()
    }

    fn reading(&self) -> Vec<NodeName> {
        let state = self.machine.state();
        let ours = |node: &&Node| node.reader.as_ref().is_some_and(|reader| reader.engine == self.number);
        state.nodes.values().filter(ours).map(|node| node.name().clone()).collect()
    }
}
