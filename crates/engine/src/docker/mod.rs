//! Docker Engine and Podman, through Docker's API.
//!
//! Requests have no version in their path, so an engine answers with its newest version. A node is a pause container,
//! which holds the network namespace, and the containers that join it.

mod bodies;
mod catching_up;
mod client;
mod events;
mod facts;
mod failure;
mod handle;
mod images;
mod labels;
mod limits;
mod lines;
mod listing;
mod loading;
mod making;
mod marks;
mod names;
mod networks;
mod options;
mod pause_image;
mod pulling;
mod raw;
mod readers;
mod references;
mod shown;
mod usage;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::task::AbortHandle;

pub use options::{Choice, Options, Reach};

use self::client::Client;
use self::facts::{Facts, Program};
use self::failure::Trouble;
use self::handle::Handle;
use self::images::Images;
use self::limits::EngineLimits;
use self::listing::Access;
use self::networks::Networks;
use self::options::Place;
use self::readers::Readers;
use crate::{
    Engine, Host, ImageWanted, NodeHandle, NodeName, NodeSeen, NodeSpec, PresentImage, Result, Usage,
};

/// Docker Engine or Podman. Its containers keep running after this value is dropped.
pub struct Docker {
    inner: Arc<Inner>,
    watching: AbortHandle,
}

struct Inner {
    client: Arc<Client>,
    options: Options,
    facts: Mutex<Option<Facts>>,
    images: Images,
    pause_image: tokio::sync::Mutex<()>,
    networks: Networks,
    limits: EngineLimits,
    readers: Arc<Readers>,
    changes: watch::Sender<u64>,
}

impl Docker {
    /// Finds an engine. With [`Choice::Auto`] the result is `None` if no engine answers. The server waits for
    /// an engine that its options name.
    ///
    /// # Errors
    /// If the engine's address is not valid.
    pub async fn connect(options: Options) -> Result<Option<Self>> {
        let places = options.places()?;
        if options.choice == Choice::Auto && !places.iter().any(Place::may_answer) {
            return Ok(None);
        }
        let client = Arc::new(Client::new(places));
        if let Err(trouble) = client.engine().await {
            tracing::debug!(%trouble, "no engine answers");
            if options.choice == Choice::Auto {
                return Ok(None);
            }
        }
        let inner = Arc::new(Inner {
            images: Images::new(Arc::clone(&client), options.clone()),
            readers: Readers::new(Arc::clone(&client), Arc::clone(&options.output)),
            client,
            options,
            facts: Mutex::new(None),
            pause_image: tokio::sync::Mutex::default(),
            networks: Networks::default(),
            limits: EngineLimits::new(),
            changes: watch::Sender::new(0),
        });
        // Ask now, so that the name is right from the start if possible.
        let _ = inner.facts().await;
        let watching = tokio::spawn(events::watch(Arc::clone(&inner))).abort_handle();
        Ok(Some(Self { inner, watching }))
    }

    /// The engine's address, for people. `None` if it was never reached.
    pub fn place(&self) -> Option<String> {
        self.inner.client.place().map(|place| place.to_string())
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        self.watching.abort();
        self.inner.readers.stop();
    }
}

impl Inner {
    async fn facts(&self) -> Result<Facts, Trouble> {
        if let Some(facts) = &*self.facts.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(facts.clone());
        }
        let facts = Facts::ask(&self.client).await?;
        *self.facts.lock().unwrap_or_else(PoisonError::into_inner) = Some(facts.clone());
        Ok(facts)
    }

    fn forget_facts(&self) {
        *self.facts.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// How this machine reaches containers.
    async fn access(&self) -> Result<Access> {
        let is_here = self.client.place().as_ref().is_some_and(Place::is_here);
        let may_be_ours = self.options.reach == Reach::Auto && is_here && !self.facts().await?.is_apart;
        Ok(if may_be_ours { Access::Direct } else { Access::Published })
    }
}

#[async_trait]
impl Engine for Docker {
    fn name(&self) -> &'static str {
        let facts = self.inner.facts.lock().unwrap_or_else(PoisonError::into_inner);
        let configured =
            if self.inner.options.choice == Choice::Podman { Program::Podman } else { Program::Docker };
        match facts.as_ref().map_or(configured, |facts| facts.program) {
            Program::Podman => "podman",
            Program::Docker => "docker",
        }
    }

    async fn host(&self) -> Result<Host> {
        let facts = self.inner.facts().await?;
        // The facts may be old, so the engine is asked: an engine that is out of reach must not look available.
        self.inner.client.call(|engine| async move { engine.ping().await }).await?;
        Ok(Host { cpus: facts.cpus, memory: facts.memory })
    }

    async fn identity(&self) -> Result<String> {
        Ok(self.inner.facts().await?.identity)
    }

    async fn ensure_image(&self, image: &ImageWanted) -> Result<PresentImage> {
        let program = self.inner.facts().await?.program;
        self.inner.images.ensure(image, program).await
    }

    async fn remove_images_except(&self, keep: &[String]) -> Result<()> {
        self.inner.images.remove_except(keep).await
    }

    async fn nodes(&self, service: Option<(&str, &str)>) -> Result<Vec<NodeSeen>> {
        let access = self.inner.access().await?;
        let more: Vec<_> = service
            .map(|(tenant, service)| [(labels::TENANT, tenant), (labels::SERVICE, service)])
            .into_iter()
            .flatten()
            .collect();
        let owner = &self.inner.options.owner;
        let found = listing::containers(&self.inner.client, owner, &labels::filter(owner, &more)).await?;
        if service.is_none() {
            self.inner.readers.forget(|id| found.iter().any(|one| one.id == id));
        }
        Ok(listing::nodes(&found, access))
    }

    async fn start(&self, node: &NodeSpec) -> Result<NodeSeen> {
        self.inner.start(node).await
    }

    async fn restart(&self, node: &NodeHandle, container: &str) -> Result<()> {
        self.inner.restart(&Handle::read(node)?, container).await
    }

    async fn adopt(&self, node: &NodeHandle) -> Result<()> {
        let found = self.inner.of_node(&Handle::read(node)?).await?;
        if found.is_empty() {
            return Err(crate::EngineError::NoNode);
        }
        self.inner.read_all(&found).await
    }

    async fn remove(&self, node: &NodeHandle, grace: Duration) -> Result<()> {
        match Handle::read(node) {
            Ok(handle) => self.inner.remove(&handle, grace).await,
            Err(_) => Ok(()),
        }
    }

    async fn usage(&self, node: &NodeHandle) -> Result<Option<Usage>> {
        let found = self.inner.of_node(&Handle::read(node)?).await?;
        if found.is_empty() {
            return Err(crate::EngineError::NoNode);
        }
        usage::of(&self.inner.client, &found).await
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    fn reading(&self) -> Vec<NodeName> {
        self.inner.readers.nodes()
    }
}
