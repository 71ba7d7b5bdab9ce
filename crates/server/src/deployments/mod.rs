//! Runs what services are to run. The rows say what is wanted, and the engine is a cache of it.
//!
//! A [`supervisor`] gives each service a [`runner`], which compares the rows with what the engine shows and acts. A
//! deployment on its way is a [`rollout`]; [`publish`] leads requests to the nodes that serve.

pub(crate) mod archives;
mod backoff;
mod bringing;
mod current;
pub(crate) mod engines;
mod health;
pub(crate) mod idle;
mod images;
mod leaving;
mod node;
pub(crate) mod pace;
mod plan;
mod publish;
mod rollout;
mod runner;
mod spec;
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

/// Processors are idle most of the time: so many times those that there are may be promised.
const OVERCOMMITTED: f64 = 4.0;

/// What calls and jobs see of whatever runs services.
pub(crate) struct Deployer {
    engine: Option<Arc<dyn Engine>>,
    given_cpus: Option<f64>,
    given_memory: Option<u64>,
    /// What the engine's machine has, once the engine has said it.
    host: OnceLock<Host>,
    woken: Notify,
    services: Mutex<Services>,
}

#[derive(Default)]
struct Services {
    woken: BTreeSet<ServiceId>,
    gone: BTreeSet<ServiceId>,
    running: BTreeMap<ServiceId, Vec<RunningNode>>,
    /// The images that each service wants to stay in the engine; `None` if it cannot say yet.
    images: BTreeMap<ServiceId, Option<Vec<String>>>,
}

impl Deployer {
    /// A deployer with this engine, or without one: then nothing runs.
    pub(crate) fn new(engine: Option<Arc<dyn Engine>>, config: &config::Deployments) -> Self {
        let (given_cpus, given_memory) = (config.engine_cpus, config.engine_memory);
        let (host, woken, services) = (OnceLock::new(), Notify::new(), Mutex::default());
        Self { engine, given_cpus, given_memory, host, woken, services }
    }

    /// What runs services, if anything does.
    pub(crate) fn engine(&self) -> Option<&Arc<dyn Engine>> {
        self.engine.as_ref()
    }

    /// What services may be promised, all together. Without a bound until the engine has said what its machine has.
    pub(crate) fn room(&self) -> Room {
        let host = self.host.get();
        let cpus = self.given_cpus.or(host.map(|host| host.cpus * OVERCOMMITTED));
        let memory = self.given_memory.or(host.map(|host| host.memory));
        Room { cpus: cpus.unwrap_or(f64::INFINITY), memory: memory.unwrap_or(u64::MAX) }
    }

    /// Asks the engine what its machine has, until it has said so.
    async fn learn_host(&self) {
        if let (Some(engine), None) = (&self.engine, self.host.get())
            && let Ok(host) = engine.host().await
        {
            let _ = self.host.set(host);
        }
    }
    /// A service was changed, deployed to or deleted: looks after it now.
    pub(crate) fn wake(&self, service: ServiceId) {
        self.services().woken.insert(service);
        self.woken.notify_one();
    }

    /// The nodes that serve.
    pub(crate) fn running(&self) -> Vec<RunningNode> {
        self.services().running.values().flatten().cloned().collect()
    }

    /// These nodes serve for a service now.
    fn runs(&self, service: ServiceId, nodes: Vec<RunningNode>) {
        let mut services = self.services();
        if nodes.is_empty() {
            services.running.remove(&service);
        } else {
            services.running.insert(service, nodes);
        }
    }

    /// These images of a service are to stay in the engine; `None` if it cannot be said yet.
    fn uses(&self, service: ServiceId, images: Option<Vec<String>>) {
        self.services().images.insert(service, images);
    }

    /// The images that are to stay, if each of these services has said which it wants.
    fn images_of(&self, wanted: impl Iterator<Item = ServiceId>) -> Option<Vec<String>> {
        let services = self.services();
        let known = wanted.map(|service| services.images.get(&service)?.clone()).collect::<Option<Vec<_>>>();
        Some(known?.into_iter().flatten().collect())
    }

    /// A runner has nothing left to look after.
    fn is_gone(&self, service: ServiceId) {
        let mut services = self.services();
        services.gone.insert(service);
        services.running.remove(&service);
        services.images.remove(&service);
        drop(services);
        self.woken.notify_one();
    }

    async fn is_woken(&self) {
        self.woken.notified().await;
    }

    /// The services that were woken, and those whose runner has ended.
    fn take(&self) -> (BTreeSet<ServiceId>, BTreeSet<ServiceId>) {
        let mut services = self.services();
        (std::mem::take(&mut services.woken), std::mem::take(&mut services.gone))
    }

    fn services(&self) -> std::sync::MutexGuard<'_, Services> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
