//! Gives each service its runner, and removes nodes that no service wants.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gangplank_core::ServiceId;
use gangplank_engine::{Engine, NodeHandle, NodeSeen};
use gangplank_store::coordination::{Replica, Work};
use gangplank_store::metadata::deployments::{DeployedService, ToRun};
use tokio::sync::{Notify, watch};
use tokio::task::{self, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::among::Among;
use super::others::Others;
use super::pace::Pace;
use super::runner::Runner;
use super::sharing::Engines;
use super::spreading::FreeServices;
use super::{images, spec};
use crate::app::App;
use crate::coordination;
use crate::jobs::job::{Job, Next};

/// Events of an engine within this time are looked at together.
const TOGETHER: Duration = Duration::from_millis(20);

/// How often this server announces itself to others.
const ANNOUNCED_EVERY: Duration = Duration::from_secs(10);

/// The labels of nodes: account and region, and the name of the service.
pub(super) type Labels = (String, String);

/// The labels of the nodes of a service.
pub(super) fn labels(of: &DeployedService) -> Labels {
    (spec::tenant(of), of.service.name.clone())
}

/// Returns when other servers have changed something.
async fn changed(elsewhere: &mut Option<watch::Receiver<i64>>) {
    if let Some(changes) = elsewhere
        && changes.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// Runs all services. Nodes keep running when it ends, and the next start takes them over.
pub(crate) struct Supervisor {
    app: Arc<App>,
    engine: Arc<dyn Engine>,
    pace: Pace,
    changes: watch::Receiver<u64>,
    stop: CancellationToken,
    has_begun: bool,
    /// Whether only the engine has changed since the last look.
    only_engine: bool,
    /// Changes when other servers have changed something; `None` if there are none.
    elsewhere: Option<watch::Receiver<i64>>,
    /// The time at which a service may be taken, if it is before the next look.
    again: Option<Duration>,
    share: FreeServices,
    others: Others,
    engines: Engines,
    /// The last announcement, and when it was made.
    announced: Option<(Replica, Instant)>,
    /// The time since which nodes that no service wants have been known.
    unwanted: BTreeMap<NodeHandle, Instant>,
    runners: BTreeMap<ServiceId, Running>,
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

/// A runner that works.
struct Running {
    labels: Labels,
    /// The permanent id of its service.
    uuid: String,
    wake: Arc<Notify>,
    task: task::Id,
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
        Ok(self.again.map_or(Next::AsListed, |pause| Next::In(pause.min(self.pace.look))))
    }

    async fn woken(&mut self) {
        let app = Arc::clone(&self.app);
        tokio::select! {
            () = app.deployer.is_woken() => {}
            () = changed(&mut self.elsewhere) => {}
            Ok(()) = self.changes.changed() => {
                tokio::time::sleep(TOGETHER).await;
                self.only_engine = true;
            }
            Some(ended) = self.tasks.join_next() => {
                if let Err(error) = ended {
                    // The runner panicked; the log has the message. A new one starts from the rows.
                    self.runners.retain(|_, runner| runner.task != error.id());
                    tokio::time::sleep(self.pace.pause).await;
                }
            }
        }
    }

    async fn end(&mut self) {
        let app = Arc::clone(&self.app);
        let Some(among) = app.deployer.among() else {
            while self.tasks.join_next().await.is_some() {}
            return;
        };
        // Runners wait until other servers serve, so keep looking.
        let look = self.pace.look.min(Duration::from_secs(1));
        while !self.tasks.is_empty() {
            tokio::select! {
                _ = self.tasks.join_next() => {}
                () = tokio::time::sleep(look) => drop(among.look().await),
            }
        }
        if let Err(error) = among.places.withdraw(&among.id).await {
            tracing::debug!(%error, "cannot tell other servers that this one ends; they find out by themselves");
        }
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
            elsewhere: app.deployer.among().map(|among| among.places.changes()),
            again: None,
            share: FreeServices::default(),
            others: Others::of(app),
            engines: Engines::default(),
            announced: None,
            unwanted: BTreeMap::new(),
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
        let (mut woken, gone) = self.app.deployer.take();
        for service in gone {
            self.runners.remove(&service);
        }
        let app = Arc::clone(&self.app);
        if let Some(among) = app.deployer.among() {
            self.announce(among).await;
        }
        let known = match app.deployer.among() {
            None => None,
            Some(among) => match among.look().await {
                Ok(known) => Some((among, known)),
                Err(error) => {
                    self.knows_services = false;
                    self.share.lose_sight();
                    tracing::warn!(%error, "cannot read where services run; will try again");
                    return;
                }
            },
        };
        let ToRun { services, unreadable } = match app.metadata.services_to_run().await {
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
        let mut share = known.as_ref().map(|(among, known)| self.share.at(among, known, &services));
        for of in &services {
            let labels = labels(of);
            // A deleted service of the same name may still have a runner: its nodes go first.
            let is_taken = self.runners.values().any(|runner| runner.labels == labels);
            if is_taken || self.runners.contains_key(&of.service.id) {
                continue;
            }
            if share.as_mut().is_some_and(|share| !share.is_due(of)) {
                continue;
            }
            let claim = match app.claims.take(Work::Service(of.service.id)).await {
                Ok(Some(claim)) => claim,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(service = of.service.name, %error, "cannot claim a service now");
                    continue;
                }
            };
            let wake = Arc::new(Notify::new());
            let engine = Arc::clone(&self.engine);
            let runner = Runner::new(Arc::clone(&app), engine, of, self.pace, Arc::clone(&wake));
            app.routes.set_log_place(of.service.id, None);
            let task = self.tasks.spawn(runner.run(claim, self.stop.clone())).id();
            let uuid = of.service.uuid.clone();
            self.runners.insert(of.service.id, Running { labels, uuid, wake, task });
            share.as_mut().into_iter().for_each(|share| share.has_taken(of));
        }
        self.again = share.and_then(|share| share.again());
        if let Some((among, known)) = known {
            woken.extend(self.others.changed(&services));
            self.others.lead(&services, |service| self.runners.contains_key(&service));
            self.engines.learn(among, &known, app.deployer.engine_identity(), &services);
        }
        for runner in woken.iter().filter_map(|service| self.runners.get(service)) {
            runner.wake.notify_one();
        }
    }

    /// Tells other servers that this one can run services, and which images it keeps in the engine.
    async fn announce(&mut self, among: &Among) {
        if among.leaves.is_cancelled() {
            return;
        }
        let (Some(address), Some(engine)) = (&among.address, self.app.deployer.engine_identity()) else {
            return;
        };
        let mut images = self.app.deployer.images_of(self.runners.keys().copied());
        if let Some(images) = &mut images {
            images.sort_unstable();
        }
        let room = self.app.deployer.own_room();
        let (id, address, engine) = (among.id.clone(), address.clone(), engine.to_owned());
        let replica = Replica { id, address, engine, room, images };
        let is_due = self
            .announced
            .as_ref()
            .is_none_or(|(before, at)| *before != replica || at.elapsed() >= ANNOUNCED_EVERY);
        if !is_due {
            return;
        }
        // A server whose engine does not answer gets no services.
        if self.engine.host().await.is_err() {
            return;
        }
        match among.places.announce(&replica, coordination::LASTS).await {
            Ok(()) => self.announced = Some((replica, Instant::now())),
            Err(error) => tracing::debug!(%error, "cannot announce this server to others; will try again"),
        }
        if let Err(error) = among.places.forget_places().await {
            tracing::debug!(%error, "cannot forget where deleted services were");
        }
    }

    /// Removes images that no service wants from the engine, once the wanted images of each service are known.
    async fn remove_images(&mut self) {
        if !self.knows_services {
            return;
        }
        let Some(mut wanted) = self.app.deployer.images_of(self.runners.keys().copied()) else { return };
        if self.app.deployer.among().is_some() {
            let Some(theirs) = self.engines.images_of_sharers() else { return };
            wanted.extend(theirs);
        }
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
        let known: BTreeMap<_, _> = self.runners.values().map(|runner| (&runner.labels, runner)).collect();
        for (labels, runner) in &known {
            if before.get(*labels) != self.seen.get(*labels) {
                runner.wake.notify_one();
            }
        }
        if !self.knows_services {
            return;
        }
        let (now, since) = (Instant::now(), std::mem::take(&mut self.unwanted));
        for (labels, nodes) in &self.seen {
            let is_run = |node: &&NodeSeen| known.get(labels).is_some_and(|runner| node.is_of(&runner.uuid));
            for node in nodes.iter().filter(|node| !is_run(node)) {
                let patience = match self.app.deployer.among() {
                    Some(_) => self.engines.patience(labels, node, &self.pace),
                    None => Some(Duration::ZERO),
                };
                let Some(patience) = patience else { continue };
                let since = *since.get(&node.handle).unwrap_or(&now);
                self.unwanted.insert(node.handle.clone(), since);
                if since.elapsed() < patience {
                    continue;
                }
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
}
