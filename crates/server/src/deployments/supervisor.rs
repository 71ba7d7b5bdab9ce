//! Sees to it that each service that is to run has its runner, and that nothing runs that nobody wants.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gangplank_core::ServiceId;
use gangplank_engine::{Engine, NodeSeen};
use gangplank_store::coordination::Work;
use gangplank_store::metadata::deployments::ToRun;
use tokio::sync::{Notify, watch};
use tokio::task::{self, JoinSet};
use tokio_util::sync::CancellationToken;

use super::pace::Pace;
use super::runner::Runner;
use super::{images, spec};
use crate::app::App;
use crate::jobs::job::{Job, Next};

/// What happens in an engine within this time is looked at together.
const TOGETHER: Duration = Duration::from_millis(20);

/// Account and region, and the service's name, as nodes are labelled.
type Labels = (String, String);

/// Runs what is to run. At the end nodes go on running, and the next start takes them over.
pub(crate) struct Supervisor {
    app: Arc<App>,
    engine: Arc<dyn Engine>,
    pace: Pace,
    changes: watch::Receiver<u64>,
    stop: CancellationToken,
    has_begun: bool,
    /// Whether only the engine has changed since the last look.
    only_engine: bool,
    runners: BTreeMap<ServiceId, (Labels, Arc<Notify>, task::Id)>,
    tasks: JoinSet<()>,
    /// What the engine showed last, by service.
    seen: BTreeMap<Labels, Vec<NodeSeen>>,
    /// The images that were left in the engine last.
    left: Vec<String>,
    /// Whether all services have been read. Until then nodes and images seem to be nobody's that are somebody's.
    knows_services: bool,
    /// The services that could not be read last.
    unreadable: BTreeSet<ServiceId>,
}

#[async_trait]
impl Job for Supervisor {
    async fn round(&mut self, _: &CancellationToken) -> anyhow::Result<Next> {
        if !std::mem::replace(&mut self.has_begun, true) {
            images::end_logins_of_earlier_runs(&self.app).await;
        }
        if !std::mem::take(&mut self.only_engine) {
            self.look_at_services().await;
            self.remove_images().await;
        }
        self.look_at_engine().await;
        Ok(Next::AsListed)
    }

    async fn woken(&mut self) {
        let app = Arc::clone(&self.app);
        tokio::select! {
            () = app.deployer.is_woken() => {}
            Ok(()) = self.changes.changed() => {
                tokio::time::sleep(TOGETHER).await;
                self.only_engine = true;
            }
            Some(ended) = self.tasks.join_next() => {
                if let Err(error) = ended {
                    // It panicked, which is told where it happens: another one begins where the rows are.
                    self.runners.retain(|_, (.., task)| *task != error.id());
                    tokio::time::sleep(self.pace.pause).await;
                }
            }
        }
    }

    async fn end(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Supervisor {
    /// Runs services on an engine until `stop`.
    pub(crate) fn of(engine: &Arc<dyn Engine>, app: &Arc<App>, pace: Pace, stop: &CancellationToken) -> Self {
        Self {
            app: Arc::clone(app),
            changes: engine.changes(),
            engine: Arc::clone(engine),
            pace,
            stop: stop.clone(),
            has_begun: false,
            only_engine: false,
            runners: BTreeMap::new(),
            tasks: JoinSet::new(),
            seen: BTreeMap::new(),
            left: Vec::new(),
            knows_services: false,
            unreadable: BTreeSet::new(),
        }
    }

    /// Gives services that are to run their runners, and wakes those that something concerns.
    async fn look_at_services(&mut self) {
        self.app.deployer.learn_host().await;
        let (woken, gone) = self.app.deployer.take();
        for service in gone {
            self.runners.remove(&service);
        }
        let ToRun { services, unreadable } = match self.app.metadata.services_to_run().await {
            Ok(all) => all,
            Err(error) => {
                tracing::warn!(%error, "cannot look which services are to run");
                return;
            }
        };
        for (service, error) in &unreadable {
            if !self.unreadable.contains(service) {
                tracing::error!(service = service.0, %error, "a service cannot be read, and is left as it is");
            }
        }
        self.unreadable = unreadable.into_iter().map(|(service, _)| service).collect();
        self.knows_services = self.unreadable.is_empty();
        for of in &services {
            let labels = (spec::tenant(of), of.service.name.clone());
            // Of a deleted service of the same name, whose nodes go first.
            let is_taken = self.runners.values().any(|(taken, ..)| *taken == labels);
            if is_taken || self.runners.contains_key(&of.service.id) {
                continue;
            }
            let claim = match self.app.claims.take(Work::Service(of.service.id)).await {
                Ok(Some(claim)) => claim,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(service = of.service.name, %error, "cannot claim a service now");
                    continue;
                }
            };
            let wake = Arc::new(Notify::new());
            let runner = Runner::new(
                Arc::clone(&self.app),
                Arc::clone(&self.engine),
                of,
                self.pace,
                Arc::clone(&wake),
            );
            let task = self.tasks.spawn(runner.run(claim, self.stop.clone())).id();
            self.runners.insert(of.service.id, (labels, wake, task));
        }
        for (_, wake, _) in woken.iter().filter_map(|service| self.runners.get(service)) {
            wake.notify_one();
        }
    }

    /// Removes images from the engine that no service wants any more, once each has said which it wants.
    async fn remove_images(&mut self) {
        if !self.knows_services {
            return;
        }
        let Some(mut wanted) = self.app.deployer.images_of(self.runners.keys().copied()) else { return };
        wanted.sort_unstable();
        if wanted == self.left {
            return;
        }
        match self.engine.remove_images_except(&wanted).await {
            Ok(()) => self.left = wanted,
            Err(error) => tracing::debug!(%error, "cannot remove images yet"),
        }
    }

    async fn look_at_engine(&mut self) {
        match self.engine.nodes(None).await {
            Ok(nodes) => self.compare(nodes).await,
            // Its return is a change.
            Err(error) => tracing::debug!(%error, "cannot see what runs"),
        }
    }

    /// Wakes the runners of services whose nodes are not as before, and removes nodes of no service.
    async fn compare(&mut self, nodes: Vec<NodeSeen>) {
        let mut seen: BTreeMap<Labels, Vec<NodeSeen>> = BTreeMap::new();
        for node in nodes {
            seen.entry((node.name.tenant.clone(), node.name.service.clone())).or_default().push(node);
        }
        for nodes in seen.values_mut() {
            nodes.sort_by(|a, b| a.handle.cmp(&b.handle));
        }
        let before = std::mem::replace(&mut self.seen, seen);
        let known: BTreeMap<_, _> = self.runners.values().map(|(labels, wake, _)| (labels, wake)).collect();
        for (labels, wake) in &known {
            if before.get(*labels) != self.seen.get(*labels) {
                wake.notify_one();
            }
        }
        if !self.knows_services {
            return;
        }
        let orphans = self.seen.iter().filter(|(labels, _)| !known.contains_key(labels));
        for node in orphans.flat_map(|(_, nodes)| nodes) {
            tracing::info!(
                node = node.handle.0,
                service = node.name.service,
                "removing a node that no service wants"
            );
            if let Err(error) = self.engine.remove(&node.handle, Duration::ZERO).await {
                tracing::debug!(node = node.handle.0, %error, "cannot remove a node yet");
            }
        }
    }
}
