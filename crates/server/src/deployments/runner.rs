//! Looks after one service: compares what it is to run with what the engine shows, and acts.
//!
//! One runner per service is the claim on it. What a runner knows beside the rows can be found again: after a restart
//! of the server, of the engine or of the machine it begins with nothing and comes to the same end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use gangplank_core::deployment::Spec;
use gangplank_core::{ServiceId, Tenant};
use gangplank_engine::{Engine, EngineError, NodeHandle, NodeSeen, NodeSpec};
use gangplank_store::StoreError;
use gangplank_store::metadata::deployments::{DeployedService, Deployment};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::health::Verdict;
use super::images::{self, NotThere, References, There};
use super::leaving::Leaving;
use super::node::Node;
use super::pace::Pace;
use super::plan::{self, Present};
use super::rollout::RolloutInMemory;
use super::{spec, words};
use crate::app::App;

/// Looks after one service.
pub(super) struct Runner {
    pub(super) app: Arc<App>,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) pace: Pace,
    pub(super) tenant: Tenant,
    pub(super) service: ServiceId,
    /// Account and region, and the service's name, as its nodes are labelled.
    pub(super) labels: (String, String),
    pub(super) wake: Arc<Notify>,
    pub(super) nodes: BTreeMap<NodeHandle, Node>,
    pub(super) leaving: Leaving,
    pub(super) deployments: BTreeMap<i64, Opened>,
    pub(super) rollout: Option<RolloutInMemory>,
    /// Pauses between starts of the current deployment's nodes.
    starts: Backoff,
    /// Pauses after the engine or the store failed.
    trouble: Backoff,
    /// Since when a change of the service is under way, and which.
    updating: Option<(i64, Instant)>,
    /// Whether the nodes that there were before this run have been looked at.
    has_looked: bool,
}

/// A deployment whose spec was opened.
pub(super) struct Opened {
    pub(super) spec: Arc<Spec>,
    pub(super) images: Images,
}

/// How far the images of a deployment are.
pub(super) enum Images {
    /// They have not been asked for, or will be again after a pause.
    Wanted(Backoff),
    Coming(Backoff, JoinHandle<Result<There, NotThere>>),
    There(References),
}

/// What the images of a deployment came to, in one look.
pub(super) enum Brought {
    There,
    Coming,
    /// They did not come this time.
    Failed(NotThere),
}

/// Why a look could not be finished.
#[derive(Debug)]
pub(super) enum Trouble {
    Engine(EngineError),
    Store(StoreError),
    Other(String),
}

/// When to look again.
pub(super) struct Next(pub(super) Option<Duration>);

impl Next {
    /// In so long at the latest.
    pub(super) fn within(&mut self, pause: Duration) {
        self.0 = Some(self.0.map_or(pause, |before| before.min(pause)));
    }
}

impl Runner {
    pub(super) fn new(
        app: Arc<App>,
        engine: Arc<dyn Engine>,
        of: &DeployedService,
        pace: Pace,
        wake: Arc<Notify>,
    ) -> Self {
        Self {
            app,
            engine,
            pace,
            tenant: of.tenant.clone(),
            service: of.service.id,
            labels: (spec::tenant(of), of.service.name.clone()),
            leaving: Leaving::none(Arc::clone(&wake)),
            wake,
            nodes: BTreeMap::new(),
            deployments: BTreeMap::new(),
            rollout: None,
            starts: Backoff::default(),
            trouble: Backoff::default(),
            updating: None,
            has_looked: false,
        }
    }

    /// Looks after the service until nothing of it is left to look after, or until told to stop: then what runs goes on
    /// running.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            let looked = tokio::select! {
                () = stop.cancelled() => return,
                looked = self.look() => looked,
            };
            let pause = match looked {
                Ok(None) => {
                    // Who changes or deletes the service from now on finds nobody here who would.
                    self.app.routes.remove(self.service);
                    return self.app.deployer.is_gone(self.service);
                }
                Ok(Some(next)) => next.0,
                Err(trouble) => Some(self.is_in_trouble(&trouble).await),
            };
            let pause = async {
                match pause {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wake.notified() => {}
                () = pause => {}
            }
        }
    }

    async fn is_in_trouble(&mut self, trouble: &Trouble) -> Duration {
        let now = Instant::now();
        self.trouble.failed(now, &self.pace);
        tracing::warn!(tenant = %self.tenant, service = self.labels.1, %trouble, "cannot look after a service now");
        // A deployment ends in its time, also without an engine.
        if let Ok(Some(of)) = self.app.metadata.deployed_service(&self.tenant, self.service).await
            && let Err(error) = self.end_if_late(&of, Some(trouble)).await
        {
            tracing::warn!(tenant = %self.tenant, service = self.labels.1, %error, "cannot end a deployment now");
        }
        // An engine that restarts is back within seconds.
        self.trouble.left(now).unwrap_or_default().min(self.pace.look)
    }

    /// One look. Says when to look again; `None` if nothing is left to look after.
    async fn look(&mut self) -> Result<Option<Next>, Trouble> {
        let of = self.app.metadata.deployed_service(&self.tenant, self.service).await?;
        let seen = self.engine.nodes(Some((&self.labels.0, &self.labels.1))).await?;
        let Some(of) = of else {
            self.end(seen);
            return Ok((!self.leaving.is_empty()).then_some(Next(None)));
        };
        self.app.container_logs.register(&self.labels.0, &self.labels.1, &of.service.uuid);
        self.track(&of, seen).await;
        let mut next = Next(None);
        if of.service.is_disabled {
            self.rollout = None;
            self.publish(&of);
            self.retire_all(|_| true);
            if self.leaving.is_empty() {
                self.settle(&of).await?;
            }
            // Woken when a node is gone, or when it is enabled.
            return Ok(Some(next));
        }
        let is_settled = self.look_after_current(&of, &mut next).await?;
        self.publish(&of);
        self.look_after_next(&of, &mut next).await?;
        let versions = [&of.current, &of.next].map(|it| it.as_ref().map(|it| it.version));
        self.retire_all(|node| !versions.contains(&Some(node.seen.name.version)));
        self.deployments.retain(|version, _| versions.contains(&Some(*version)));
        self.look_after_update(&of, is_settled, &mut next).await?;
        self.trouble = Backoff::default();
        let is_idle = of.current.is_none() && of.next.is_none() && self.leaving.is_empty();
        Ok((!is_idle).then_some(next))
    }

    /// Takes in what the engine shows.
    async fn track(&mut self, of: &DeployedService, seen: Vec<NodeSeen>) {
        let mut before = std::mem::take(&mut self.nodes);
        for seen in seen {
            if self.leaving.contains(&seen.handle) {
                continue;
            }
            let handle = seen.handle.clone();
            if let Some(mut node) = before.remove(&handle)
                && node.see(seen.clone())
            {
                self.nodes.insert(handle, node);
                continue;
            }
            // Of an earlier run of this server, or started by a look that was not finished.
            let deployment = [&of.current, &of.next].into_iter().flatten();
            let deployment = deployment.into_iter().find(|it| it.version == seen.name.version);
            let spec = deployment.and_then(|deployment| self.open(of, deployment).ok());
            let is_trusted =
                !self.has_looked && of.current.as_ref().is_some_and(|it| it.version == seen.name.version);
            if let Err(error) = self.engine.adopt(&handle).await {
                tracing::warn!(node = handle.0, %error, "cannot read what a node prints");
            }
            let empty = Arc::new(Spec { containers: BTreeMap::new(), endpoint: None });
            let spec = spec.unwrap_or(empty);
            let node = Node::new(seen, &spec, is_trusted, self.pace, &self.wake);
            self.nodes.insert(handle, node);
        }
        self.has_looked = true;
    }

    /// The opened spec of a deployment.
    pub(super) fn open(
        &mut self,
        of: &DeployedService,
        deployment: &Deployment,
    ) -> Result<Arc<Spec>, Trouble> {
        if let Some(opened) = self.deployments.get(&deployment.version) {
            return Ok(Arc::clone(&opened.spec));
        }
        let spec = self.app.master.open_spec(&of.service.uuid, &deployment.sealed_spec);
        let spec = Arc::new(spec.map_err(|error| Trouble::Other(error.to_string()))?);
        let opened = Opened { spec: Arc::clone(&spec), images: Images::Wanted(Backoff::default()) };
        self.deployments.insert(deployment.version, opened);
        Ok(spec)
    }

    /// Asks for the images of a deployment, and looks whether they have come.
    pub(super) async fn bring(
        &mut self,
        of: &DeployedService,
        deployment: &Deployment,
        next: &mut Next,
    ) -> Result<Brought, Trouble> {
        let spec = self.open(of, deployment)?;
        let Some(opened) = self.deployments.get_mut(&deployment.version) else {
            return Ok(Brought::Coming);
        };
        let now = Instant::now();
        match &mut opened.images {
            Images::There(_) => return Ok(Brought::There),
            Images::Coming(_, task) if !task.is_finished() => return Ok(Brought::Coming),
            Images::Coming(backoff, task) => {
                let mut backoff = *backoff;
                let brought = task.await.unwrap_or_else(|error| Err(NotThere::Yet(error.to_string())));
                match brought {
                    Ok(there) => {
                        opened.images = Images::There(there.references);
                        for remark in there.remarks {
                            self.say(of, deployment.version, &spec, &remark);
                        }
                        return Ok(Brought::There);
                    }
                    Err(not_there) => {
                        backoff.failed(now, &self.pace);
                        opened.images = Images::Wanted(backoff);
                        next.within(self.pace.pause);
                        return Ok(Brought::Failed(not_there));
                    }
                }
            }
            Images::Wanted(backoff) => {
                if let Some(left) = backoff.left(now) {
                    next.within(left);
                    return Ok(Brought::Coming);
                }
                let (app, engine, wake) =
                    (Arc::clone(&self.app), Arc::clone(&self.engine), Arc::clone(&self.wake));
                let (of, deployment) = (of.clone(), deployment.clone());
                let bringing = tokio::spawn(async move {
                    let brought = images::bring(&app, &engine, &of, &deployment, &spec).await;
                    wake.notify_one();
                    brought
                });
                opened.images = Images::Coming(*backoff, bringing);
                // The task may wake before it is seen to be finished.
                next.within(self.pace.pause);
            }
        }
        Ok(Brought::Coming)
    }

    /// What a node of a deployment is to be, once its images are there.
    pub(super) fn wanted(&self, of: &DeployedService, deployment: &Deployment) -> Option<NodeSpec> {
        let opened = self.deployments.get(&deployment.version)?;
        match &opened.images {
            Images::There(references) => Some(spec::node(of, deployment, &opened.spec, references)),
            Images::Wanted(_) | Images::Coming(..) => None,
        }
    }

    /// Starts a node.
    ///
    /// # Errors
    /// [`EngineError::Refused`] and [`EngineError::NoImage`] if it cannot be started as it is.
    pub(super) async fn start(
        &mut self,
        of: &DeployedService,
        wanted: &NodeSpec,
        ordinal: u32,
        spec: &Arc<Spec>,
    ) -> Result<(), EngineError> {
        let mut node = wanted.clone();
        node.name.ordinal = ordinal;
        self.say(of, node.name.version, spec, words::STARTED);
        let seen = self.engine.start(&node).await?;
        let node = Node::new(seen.clone(), spec, false, self.pace, &self.wake);
        self.nodes.insert(seen.handle, node);
        Ok(())
    }

    /// Lets nodes go. Those that have requests under way may finish them.
    pub(super) fn retire_all(&mut self, goes: impl Fn(&Node) -> bool) {
        let handles: Vec<_> =
            self.nodes.iter().filter(|(_, node)| goes(node)).map(|(handle, _)| handle.clone()).collect();
        for handle in handles {
            self.retire(&handle, true);
        }
    }

    /// Lets a node go: after its requests, or at once.
    pub(super) fn retire(&mut self, handle: &NodeHandle, after_requests: bool) {
        if let Some(node) = self.nodes.remove(handle) {
            let target = node.target.clone().filter(|_| after_requests);
            let name = node.seen.name.clone();
            self.leaving.add(&self.engine, (handle.clone(), name), target, self.pace);
        }
    }

    /// The service is gone: so is everything of it.
    fn end(&mut self, seen: Vec<NodeSeen>) {
        self.app.routes.remove(self.service);
        self.app.deployer.runs(self.service, Vec::new());
        self.app.container_logs.forget(&self.labels.0, &self.labels.1);
        self.nodes.clear();
        for node in seen {
            self.leaving.add(&self.engine, (node.handle, node.name), None, self.pace);
        }
    }

    /// Writes a line of the platform into the log of each container of a deployment.
    pub(super) fn say(&self, of: &DeployedService, version: i64, spec: &Spec, text: &str) {
        self.app.container_logs.platform(
            &of.service.uuid,
            spec.containers.keys().map(String::as_str),
            version,
            text,
        );
    }

    /// Goes towards the nodes that the current deployment is to have. Says whether it has them.
    async fn look_after_current(&mut self, of: &DeployedService, next: &mut Next) -> Result<bool, Trouble> {
        let Some(current) = &of.current else { return Ok(true) };
        let spec = self.open(of, current)?;
        match self.bring(of, current, next).await? {
            Brought::There => {}
            Brought::Coming => return Ok(false),
            Brought::Failed(NotThere::Yet(why) | NotThere::Ever(why)) => {
                self.say(of, current.version, &spec, &why);
                return Ok(false);
            }
        }
        let Some(wanted) = self.wanted(of, current) else { return Ok(false) };
        self.retire_ended(of, current.version, &spec);
        let present = self.present(current.version, &wanted.hash(), &spec);
        let count = u32::try_from(of.service.scale).unwrap_or_default();
        let plan = plan::plan(&present, &self.leaving.ordinals(current.version), count);
        self.retire_all(|node| {
            node.seen.name.version == current.version && plan.retire.contains(&node.seen.name.ordinal)
        });
        for ordinal in plan.start {
            if let Some(left) = self.starts.left(Instant::now()) {
                next.within(left);
                break;
            }
            match self.start(of, &wanted, ordinal, &spec).await {
                Ok(()) => {}
                Err(error @ (EngineError::Refused(_) | EngineError::NoImage(_))) => {
                    self.say(of, current.version, &spec, &error.to_string());
                    self.starts.failed(Instant::now(), &self.pace);
                    // It may be an image that somebody removed from the engine.
                    self.deployments.remove(&current.version);
                    next.within(self.pace.pause);
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        for node in self.nodes.values().filter(|node| node.seen.name.version == current.version) {
            node.next_look(&self.pace).into_iter().for_each(|pause| next.within(pause));
        }
        Ok(plan.is_settled)
    }

    /// Lets nodes go whose containers ended, or that lost their network: others take their place, after a pause.
    fn retire_ended(&mut self, of: &DeployedService, version: i64, spec: &Arc<Spec>) {
        let mut gone = Vec::new();
        let mut said = Vec::new();
        for (handle, node) in self.nodes.iter().filter(|(_, node)| node.seen.name.version == version) {
            let (_, memory) = spec::size(&of.service);
            let before = said.len();
            // An engine that was stopped stopped everything, which is nobody's failure.
            if node.is_whole(spec) {
                said.extend(node.failed(spec).map(|(name, it)| words::ended(name, &it.state, memory)));
            }
            if said.len() > before || !node.is_whole(spec) {
                gone.push(handle.clone());
            }
        }
        if !said.is_empty() {
            self.starts.failed(Instant::now(), &self.pace);
        }
        for line in &said {
            self.say(of, version, spec, line);
        }
        for handle in &gone {
            self.retire(handle, false);
        }
    }

    /// The nodes of a deployment, as a plan is made of them.
    pub(super) fn present(&self, version: i64, hash: &str, spec: &Spec) -> Vec<Present> {
        let nodes = self.nodes.values().filter(|node| node.seen.name.version == version);
        let present = nodes.map(|node| {
            let verdict = node.verdict(spec, &self.pace);
            Present {
                ordinal: node.seen.name.ordinal,
                is_alike: node.seen.spec == hash,
                is_ready: verdict == Verdict::Healthy,
                is_lost: verdict == Verdict::Lost,
            }
        });
        present.collect()
    }

    /// Ends a change of the service when all is as it is to be, or after the time for it.
    async fn look_after_update(
        &mut self,
        of: &DeployedService,
        is_settled: bool,
        next: &mut Next,
    ) -> Result<(), Trouble> {
        if !of.service.is_updating {
            self.updating = None;
            return Ok(());
        }
        let (change, since) = *self.updating.get_or_insert_with(|| (of.service.changes, Instant::now()));
        if change != of.service.changes {
            self.updating = None;
            next.within(Duration::ZERO);
            return Ok(());
        }
        let left = self.app.deployments.timeout.saturating_sub(since.elapsed());
        if is_settled && self.leaving.is_empty() {
            self.settle(of).await?;
        } else if left.is_zero() {
            if let Some(current) = &of.current {
                let spec = self.open(of, current)?;
                self.say(of, current.version, &spec, words::TOO_LONG);
            }
            self.settle(of).await?;
        } else {
            next.within(left);
        }
        Ok(())
    }

    async fn settle(&mut self, of: &DeployedService) -> Result<(), Trouble> {
        if of.service.is_updating {
            self.app.metadata.settle_service(self.service, of.service.changes).await?;
            self.updating = None;
        }
        Ok(())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Other(error) => f.write_str(error),
        }
    }
}

impl From<EngineError> for Trouble {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
