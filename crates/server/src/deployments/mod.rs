//! The deployer: runs the deployments of services. The database says what is wanted; the engine only follows
//! it.
//!
//! A [`supervisor`] starts a [`runner`] for each service. The runner compares the rows with the nodes in the
//! engine, and acts. A [`rollout`] is a deployment in progress. [`publish`] leads requests to the nodes that
//! serve.

pub(crate) mod among;
pub(crate) mod archives;
mod backoff;
mod bringing;
mod current;
pub(crate) mod engines;
mod handover;
mod health;
pub(crate) mod idle;
mod images;
mod leaving;
mod node;
mod others;
pub(crate) mod pace;
mod plan;
mod publish;
mod rollout;
mod runner;
mod sharing;
mod spec;
mod spreading;
pub(crate) mod supervisor;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use gangplank_core::ServiceId;
use gangplank_engine::{Engine, Host};
use gangplank_store::metadata::deployments::Room;
use tokio::sync::Notify;

use crate::config;
use crate::jobs::usage::RunningNode;
use among::Among;

/// How many times the engine's processors may be promised. Most of the time, processors are idle.
const OVERCOMMITTED: f64 = 4.0;

/// The deployer, as API calls and jobs see it.
pub(crate) struct Deployer {
    engine: Option<Arc<dyn Engine>>,
    given_cpus: Option<f64>,
    given_memory: Option<u64>,
    /// The processors and memory of the engine's machine, once the engine has reported them.
    host: OnceLock<Host>,
    /// The identity of the engine, once it is known.
    identity: OnceLock<String>,
    /// The servers that share the store, if there can be others.
    among: Option<Among>,
    woken: Notify,
    services: Mutex<Services>,
}

#[derive(Default)]
struct Services {
    woken: BTreeSet<ServiceId>,
    gone: BTreeSet<ServiceId>,
    /// The services whose claim a runner has.
    held: BTreeSet<ServiceId>,
    running: BTreeMap<ServiceId, Vec<RunningNode>>,
    /// The images of each service that have to stay in the engine; `None` while they are unknown.
    images: BTreeMap<ServiceId, Option<Vec<String>>>,
}

/// Whether a runner has the claim on its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Yes,
    NoMore,
}

impl Deployer {
    /// A deployer with this engine. Without an engine nothing runs here.
    pub(crate) fn new(
        engine: Option<Arc<dyn Engine>>,
        config: &config::Deployments,
        among: Option<Among>,
    ) -> Self {
        let (given_cpus, given_memory) = (config.engine_cpus, config.engine_memory);
        let (host, identity) = (OnceLock::new(), OnceLock::new());
        let (woken, services) = (Notify::new(), Mutex::default());
        Self { engine, given_cpus, given_memory, host, identity, among, woken, services }
    }

    /// The engine, if there is one.
    pub(crate) fn engine(&self) -> Option<&Arc<dyn Engine>> {
        self.engine.as_ref()
    }

    /// This server among others that share its store; `None` if it has the store to itself.
    pub(crate) fn among(&self) -> Option<&Among> {
        self.among.as_ref()
    }

    /// The power that all services together may be promised, on all servers. It has no bound until an engine has
    /// reported its machine.
    pub(crate) fn room(&self) -> Room {
        self.among.as_ref().and_then(Among::room).unwrap_or_else(|| self.own_room())
    }

    /// The largest engine, if there are several and none of them alone has room for the service. A service runs as a
    /// whole on one engine.
    pub(crate) fn too_small_for(&self, service: Room) -> Option<Room> {
        let rooms = self.among.as_ref().map(Among::rooms).unwrap_or_default();
        if rooms.len() < 2 || rooms.iter().any(|room| room.holds(service)) {
            return None;
        }
        rooms
            .into_iter()
            .max_by(|one, other| one.memory.cmp(&other.memory).then(one.cpus.total_cmp(&other.cpus)))
    }

    /// Whether this server or another one can run services.
    pub(crate) fn can_run(&self) -> bool {
        self.engine.is_some() || self.among.as_ref().is_some_and(|among| among.room().is_some())
    }

    /// Hands the services over to other servers, since this one is about to stop.
    pub(crate) fn leave(&self) {
        if let Some(among) = &self.among {
            among.leaves.cancel();
            self.woken.notify_one();
        }
    }

    /// The power that may be promised on this server's engine.
    fn own_room(&self) -> Room {
        let host = self.host.get();
        let cpus = self.given_cpus.or(host.map(|host| host.cpus * OVERCOMMITTED));
        let memory = self.given_memory.or(host.map(|host| host.memory));
        Room { cpus: cpus.unwrap_or(f64::INFINITY), memory: memory.unwrap_or(u64::MAX) }
    }

    /// Asks the engine for its machine's processors and memory, unless they are known.
    async fn learn_host(&self) {
        if let (Some(engine), None) = (&self.engine, self.host.get())
            && let Ok(host) = engine.host().await
        {
            let _ = self.host.set(host);
        }
        if let (Some(engine), Some(_), None) = (&self.engine, &self.among, self.identity.get())
            && let Ok(identity) = engine.identity().await
        {
            let _ = self.identity.set(identity);
        }
    }

    /// The identity of the engine, once it is known. Only servers that share a store ask for it.
    fn engine_identity(&self) -> Option<&str> {
        self.identity.get().map(String::as_str)
    }

    /// Wakes the runner of a service that was changed, deployed to or deleted.
    pub(crate) fn wake(&self, service: ServiceId) {
        self.services().woken.insert(service);
        self.woken.notify_one();
    }

    /// All nodes that serve.
    pub(crate) fn running(&self) -> Vec<RunningNode> {
        self.services().running.values().flatten().cloned().collect()
    }

    /// Records which nodes of a service serve now.
    fn runs(&self, service: ServiceId, nodes: Vec<RunningNode>) {
        let mut services = self.services();
        if nodes.is_empty() {
            services.running.remove(&service);
        } else {
            services.running.insert(service, nodes);
        }
    }

    /// Records which images of a service have to stay in the engine; `None` while they are unknown.
    fn uses(&self, service: ServiceId, images: Option<Vec<String>>) {
        self.services().images.insert(service, images);
    }

    /// All images that have to stay; `None` while the images of one of these services are unknown.
    fn images_of(&self, wanted: impl Iterator<Item = ServiceId>) -> Option<Vec<String>> {
        let services = self.services();
        let known = wanted.map(|service| services.images.get(&service)?.clone()).collect::<Option<Vec<_>>>();
        Some(known?.into_iter().flatten().collect())
    }

    /// Records that a runner has the claim on a service, or gave it up. Returns whether no runner has a claim
    /// now.
    fn holds(&self, service: ServiceId, holds: Holds) -> bool {
        let mut services = self.services();
        match holds {
            Holds::Yes => services.held.insert(service),
            Holds::NoMore => services.held.remove(&service),
        };
        services.held.is_empty()
    }

    /// Records that the runner of a service has ended.
    fn is_gone(&self, service: ServiceId) {
        let mut services = self.services();
        services.gone.insert(service);
        services.held.remove(&service);
        services.running.remove(&service);
        services.images.remove(&service);
        drop(services);
        self.woken.notify_one();
    }

    async fn is_woken(&self) {
        self.woken.notified().await;
    }

    /// Takes the services that were woken, and those whose runner has ended.
    fn take(&self) -> (BTreeSet<ServiceId>, BTreeSet<ServiceId>) {
        let mut services = self.services();
        (std::mem::take(&mut services.woken), std::mem::take(&mut services.gone))
    }

    fn services(&self) -> std::sync::MutexGuard<'_, Services> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
