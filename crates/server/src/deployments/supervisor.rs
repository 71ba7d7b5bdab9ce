//! Gives each service its runner, and removes nodes that no service wants.

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

/// Events of an engine within this time are looked at together.
const TOGETHER: Duration = Duration::from_millis(20);

/// The labels of nodes: account and region, and the name of the service.
type Labels = (String, String);

/// Runs all services. Nodes go on running when it ends, and the next start takes them over.
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
    /// The engine's last view of the nodes, by service.
    seen: BTreeMap<Labels, Vec<NodeSeen>>,
    /// The images that had to stay in the engine at the last removal.
    left: Vec<String>,
    /// Whether all services have been read. Until then, nodes and images may only seem to belong to no
    /// service.
    knows_services: bool,
    /// The services that could not be read at the last look.
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
                    // The runner panicked; the log has the message. A new one starts from the rows.
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
    /// A supervisor of services on an engine, until `stop` is cancelled.
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

    /// Starts missing runners, and wakes those whose service has changed.
    async fn look_at_services(&mut self) {
        self.app.deployer.learn_host().await;
        let (woken, gone) = self.app.deployer.take();
        for service in gone {
            self.runners.remove(&service);
        }
        let ToRun { services, unreadable } = match self.app.metadata.services_to_run().await {
            Ok(all) => all,
            Err(error) => {
                tracing::warn!(%error, "cannot read the services to run; will try again");
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
            // A deleted service of the same name may still have a runner: its nodes go first.
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

    /// Removes images that no service wants from the engine, once the wanted images of each service are known.
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
            // The engine reports a change when it is back.
            Err(error) => tracing::debug!(%error, "cannot list the nodes of the engine"),
        }
    }

    /// Wakes the runners of services whose nodes have changed, and removes nodes that no service wants.
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
