//! Makes, restarts and removes nodes.

use std::time::Duration;

use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, StopContainerOptionsBuilder,
};
use futures_util::future::{join_all, try_join_all};

use super::bodies::{self, Bounds};
use super::client::{CALL, START};
use super::failure::Trouble;
use super::handle::Handle;
use super::listing::{self, Access, Found};
use super::readers::{Life, Who};
use super::{Inner, labels, loading, names, pause_image, shown};
use crate::{ContainerSpec, ContainerState, EngineError, NodeName, NodeSeen, NodeSpec, Result};

impl Inner {
    /// The containers of nodes with a name.
    pub(super) async fn of_name(&self, node: &NodeName) -> Result<Vec<Found>> {
        let filters = labels::node_filter(&self.options.owner, node);
        Ok(listing::containers(&self.client, &self.options.owner, &filters).await?)
    }

    /// The containers of one node.
    pub(super) async fn of_node(&self, handle: &Handle) -> Result<Vec<Found>> {
        let mut found = self.of_name(&handle.node).await?;
        found.retain(|one| one.pause() == handle.pause);
        Ok(found)
    }

    pub(super) async fn start(&self, spec: &NodeSpec) -> Result<NodeSeen> {
        let there = self.of_name(&spec.name).await?;
        let access = self.access().await?;
        if let [node] = &listing::nodes(&there, access)[..]
            && is_already(node, spec)
        {
            self.read_all(&there).await?;
            return Ok(node.clone());
        }
        self.clear(&there).await?;
        let made = self.make(spec, access).await;
        if made.is_err() {
            // If the removal fails, too, the remaining containers have our labels, and are found by them later.
            if let Ok(left) = self.of_name(&spec.name).await {
                let _ = self.clear(&left).await;
            }
        }
        made
    }

    async fn make(&self, spec: &NodeSpec, access: Access) -> Result<NodeSeen> {
        self.ensure_pause_image().await?;
        let cpus = self.facts().await?.cpus;
        let pause = {
            let network = self.networks.hold(&self.client, &self.options.owner, &spec.name.tenant).await?;
            self.start_pause(spec, &network.id, cpus).await?
        };
        let bounds = Bounds { cpus, limits: self.limits.now() };
        let starts = spec
            .containers
            .iter()
            .map(|(name, container)| self.start_container(spec, name, container, &pause, bounds));
        // Wait for all of them: a container whose creation nobody waits for would be left behind.
        join_all(starts).await.into_iter().collect::<Result<()>>()?;
        let handle = Handle { node: spec.name.clone(), pause };
        let nodes = listing::nodes(&self.of_node(&handle).await?, access);
        nodes.into_iter().next().ok_or(EngineError::NoNode)
    }

    async fn ensure_pause_image(&self) -> Result<()> {
        let name = pause_image::NAME;
        let _one_at_a_time = self.pause_image.lock().await;
        match self.client.call(|engine| async move { engine.inspect_image(name).await }).await {
            Ok(_) => return Ok(()),
            Err(trouble) if trouble.is(404) => {}
            Err(trouble) => return Err(trouble.into()),
        }
        let processor = self.facts().await?.processor;
        let archive = pause_image::archive(&processor).ok_or_else(|| {
            EngineError::Refused(format!(
                "engines on processors of the kind {processor:?} are not known here"
            ))
        })?;
        Ok(loading::load_bytes(&self.client, archive).await?)
    }

    /// Starts the pause container. It is the first container of a node, so it finds out how many open files the
    /// engine allows.
    async fn start_pause(&self, spec: &NodeSpec, network: &str, cpus: f64) -> Result<String> {
        loop {
            let limits = self.limits.now();
            let body = bodies::pause(
                &self.options.owner,
                spec,
                network,
                self.options.published_on,
                Bounds { cpus, limits },
            );
            let id = self.create(&spec.name, None, body).await?;
            match self.run(&id).await {
                Ok(()) => return Ok(id),
                Err(trouble) => {
                    let _ = self.delete(&id).await;
                    if !self.limits.were_too_high(limits, &trouble) {
                        return Err(trouble.into());
                    }
                }
            }
        }
    }

    async fn start_container(
        &self,
        spec: &NodeSpec,
        name: &str,
        container: &ContainerSpec,
        pause: &str,
        bounds: Bounds,
    ) -> Result<()> {
        let body = bodies::container(&self.options.owner, spec, name, container, pause, bounds);
        let created = self.create(&spec.name, Some(name), body).await;
        let id = created.map_err(|trouble| match trouble {
            Trouble::Answer { status: 404, message } if message.to_lowercase().contains("image") => {
                EngineError::NoImage(message)
            }
            other => of_a_container(name, other),
        })?;
        let who = Who { id: id.clone(), node: spec.name.clone(), container: name.to_owned() };
        self.readers.attach(who).await.map_err(|trouble| of_a_container(name, trouble))?;
        self.run(&id).await.map_err(|trouble| of_a_container(name, trouble))
    }

    /// Creates a container with a name for people. A container that has the name already is removed if it is from an
    /// earlier node of ours. If it belongs to somebody else, another name is used.
    async fn create(
        &self,
        node: &NodeName,
        container: Option<&str>,
        body: ContainerCreateBody,
    ) -> Result<String, Trouble> {
        let owner = &self.options.owner;
        let wished = names::of_container(node, container);
        let names = [wished.clone(), wished, names::of_container_otherwise(owner, node, container)];
        for name in names {
            match self.create_as(Some(&name), body.clone()).await {
                Err(trouble) if trouble.is(409) || trouble.says(&["already in use"]) => {
                    self.clear_leftover(&name, node, container).await?;
                }
                other => return other,
            }
        }
        self.create_as(None, body).await
    }

    async fn create_as(&self, name: Option<&str>, body: ContainerCreateBody) -> Result<String, Trouble> {
        let options = name.map(|name| CreateContainerOptionsBuilder::new().name(name).build());
        let create = |engine: bollard::Docker| async move { engine.create_container(options, body).await };
        Ok(Box::pin(self.client.call_within(START, create)).await?.id)
    }

    async fn clear_leftover(
        &self,
        name: &str,
        node: &NodeName,
        container: Option<&str>,
    ) -> Result<(), Trouble> {
        let Some(shown) = shown::look(&self.client, name).await? else { return Ok(()) };
        let labelled = labels::read(&self.options.owner, &shown.config.labels.unwrap_or_default());
        match labelled {
            Some(left) if left.node == *node && left.container.as_deref() == container => {
                self.delete(&shown.id).await
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn restart(&self, handle: &Handle, container: &str) -> Result<()> {
        let found = self.of_node(handle).await?;
        let is_whole = listing::nodes(&found, Access::Published).first().is_some_and(|node| node.is_whole);
        let one = found.iter().find(|one| one.labelled.container.as_deref() == Some(container));
        let Some(one) = one.filter(|_| is_whole) else { return Err(EngineError::NoNode) };
        if one.is_running() {
            return Ok(());
        }
        let attached = self.readers.attach(who(one, container)).await;
        match &attached {
            // Podman refuses to attach to a container that it has not cleaned up yet.
            Err(trouble) if trouble.says(&["can only attach"]) => {}
            _ => attached?,
        }
        self.run(&one.id).await.map_err(|trouble| {
            if trouble.is(404) || trouble.says(&["cannot join network", "no such container"]) {
                EngineError::NoNode
            } else {
                of_a_container(container, trouble)
            }
        })?;
        Ok(self.readers.adopt(who(one, container), Life::Running).await?)
    }

    /// Reads the output of all containers of a node.
    pub(super) async fn read_all(&self, found: &[Found]) -> Result<()> {
        let named = found.iter().filter_map(|one| Some((one, one.labelled.container.as_deref()?)));
        let adopting = named.map(|(one, container)| self.readers.adopt(who(one, container), one.life()));
        try_join_all(adopting).await?;
        Ok(())
    }

    pub(super) async fn remove(&self, handle: &Handle, grace: Duration) -> Result<()> {
        let found = self.of_node(handle).await?;
        let seconds = i32::try_from(grace.as_millis().div_ceil(1_000)).unwrap_or(i32::MAX);
        let stops = found.iter().filter(|one| one.labelled.container.is_some() && one.is_running());
        let stops = stops.map(|one| async move {
            let options = StopContainerOptionsBuilder::new().t(seconds).build();
            let stop =
                |engine: bollard::Docker| async move { engine.stop_container(&one.id, Some(options)).await };
            let stopped = self.client.wait_within(grace.saturating_add(CALL), stop).await;
            stopped.or_else(|trouble| if trouble.is(404) { Ok(()) } else { Err(trouble) })
        });
        // A container that cannot be stopped is still removed by force.
        let troubles: Vec<_> = join_all(stops).await.into_iter().filter_map(Result::err).collect();
        if let Some(away) = troubles.into_iter().find(|trouble| matches!(trouble, Trouble::Away(_))) {
            return Err(away.into());
        }
        self.clear(&found).await?;
        let dropped = self.networks.drop_unused(&self.client, &self.options.owner, &handle.node.tenant).await;
        if let Err(trouble) = dropped {
            tracing::debug!(%trouble, "the network of a tenant without nodes stays");
        }
        Ok(())
    }

    /// Removes containers at once, the pause containers last.
    async fn clear(&self, found: &[Found]) -> Result<()> {
        let (pauses, others): (Vec<&Found>, Vec<&Found>) =
            found.iter().partition(|one| one.labelled.container.is_none());
        for group in [others, pauses] {
            let deletions = join_all(group.iter().map(|one| self.delete(&one.id))).await;
            deletions.into_iter().collect::<Result<(), Trouble>>()?;
        }
        Ok(())
    }

    async fn run(&self, id: &str) -> Result<(), Trouble> {
        let start = |engine: bollard::Docker| async move { engine.start_container(id, None).await };
        self.client.call_within(START, start).await
    }

    /// Removes a container with the volumes that its image made. It is no error if the container is gone or is being
    /// removed.
    async fn delete(&self, id: &str) -> Result<(), Trouble> {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        let remove =
            |engine: bollard::Docker| async move { engine.remove_container(id, Some(options)).await };
        match self.client.call_within(START, remove).await {
            Err(trouble) if trouble.is(404) || trouble.says(&["already in progress"]) => Ok(()),
            other => other,
        }
    }
}

fn who(one: &Found, container: &str) -> Who {
    Who { id: one.id.clone(), node: one.labelled.node.clone(), container: container.to_owned() }
}

/// Whether a node is the one that a start would make.
fn is_already(node: &NodeSeen, spec: &NodeSpec) -> bool {
    node.is_whole
        && node.spec == spec.hash()
        && node.containers.keys().eq(spec.containers.keys())
        && node.containers.values().all(|container| container.state == ContainerState::Running)
}

/// Adds the name of the container to an error.
fn of_a_container(name: &str, trouble: Trouble) -> EngineError {
    match EngineError::from(trouble) {
        EngineError::Refused(words) => EngineError::Refused(format!("{name}: {words}")),
        other => other,
    }
}
