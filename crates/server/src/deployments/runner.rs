//! Looks after one service: compares what it is to run with what the engine shows, and acts.
//!
//! A runner has claimed its service, so there is one, in whichever process. What a runner knows beside the rows can be found again: after a restart
//! of the server, of the engine or of the machine it begins with nothing and comes to the same end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use gangplank_core::deployment::Spec;
use gangplank_core::{ServiceId, Tenant};
use gangplank_engine::{Engine, EngineError, NodeHandle, NodeSeen, NodeSpec};
use gangplank_store::StoreError;
use gangplank_store::metadata::deployments::DeployedService;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::bringing::Opened;
use super::leaving::Leaving;
use super::node::Node;
use super::pace::Pace;
use super::rollout::RolloutInMemory;
use super::{spec, words};
use crate::app::App;
use crate::coordination::Held;

/// How many nodes of a service are started at once.
const STARTS: usize = 4;

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
    /// The images of the deployment before the current one, which may be wanted again soon.
    pub(super) previous: Vec<String>,
    pub(super) rollout: Option<RolloutInMemory>,
    /// Pauses between starts of the current deployment's nodes.
    pub(super) starts: Backoff,
    /// Pauses after the engine or the store failed.
    trouble: Backoff,
    /// Since when a change of the service is under way, and which.
    pub(super) updating: Option<(i64, Instant)>,
    /// The current deployment, if it was said that what it is to run cannot be read.
    pub(super) unreadable: Option<i64>,
    /// Whether the nodes that there were before this run have been looked at.
    has_looked: bool,
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
            previous: Vec::new(),
            rollout: None,
            starts: Backoff::default(),
            trouble: Backoff::default(),
            updating: None,
            unreadable: None,
            has_looked: false,
        }
    }

    /// Looks after the service until nothing of it is left to look after, until another process does, or until told to
    /// stop: then what runs goes on running.
    pub(super) async fn run(mut self, claim: Held, stop: CancellationToken) {
        tokio::select! {
            () = self.look_after() => {}
            () = stop.cancelled() => return,
            () = claim.lost() => {}
        }
        // Who changes or deletes the service from now on finds nobody here who would.
        self.app.routes.remove(self.service);
        self.app.deployer.is_gone(self.service);
    }

    /// Looks again and again, until nothing is left to look after.
    async fn look_after(&mut self) {
        loop {
            let pause = match self.look().await {
                Ok(None) => return,
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
                () = self.wake.notified() => {}
                () = pause => {}
            }
        }
    }

    async fn is_in_trouble(&mut self, trouble: &Trouble) -> Duration {
        let now = Instant::now();
        if !self.trouble.has_failed() {
            tracing::warn!(tenant = %self.tenant, service = self.labels.1, %trouble, "cannot look after a service now");
        }
        self.trouble.failed(now, &self.pace);
        if let Err(error) = self.end_what_is_late(trouble).await {
            tracing::warn!(tenant = %self.tenant, service = self.labels.1, %error, "cannot end a deployment now");
        }
        // An engine that restarts is back within seconds.
        self.trouble.left(now).unwrap_or_default().min(self.pace.look)
    }

    /// Deployments and changes end in their time, also without an engine.
    async fn end_what_is_late(&mut self, trouble: &Trouble) -> Result<(), Trouble> {
        if let Some(of) = self.app.metadata.deployed_service(&self.tenant, self.service).await? {
            self.end_if_late(&of, Some(trouble)).await?;
            self.end_update_if_late(&of).await?;
        }
        Ok(())
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
            self.keep_images(true);
            self.look_after_update(&of, self.nodes.is_empty(), &mut next).await?;
            // Woken when it is enabled, deleted, or a node is gone.
            return Ok(Some(next));
        }
        let is_settled = self.look_after_current(&of, &mut next).await?;
        self.publish(&of);
        self.look_after_next(&of, &mut next).await?;
        let versions = [&of.current, &of.next].map(|it| it.as_ref().map(|it| it.version));
        self.retire_all(|node| !versions.contains(&Some(node.seen.name.version)));
        self.forget_deployments(&versions);
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
            let spec = deployment.map(|deployment| self.open_or_outline(of, deployment));
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

    /// Starts nodes beside each other. Says of each that could not be started why.
    pub(super) async fn start(
        &mut self,
        of: &DeployedService,
        wanted: &NodeSpec,
        ordinals: &[u32],
        spec: &Arc<Spec>,
    ) -> Vec<EngineError> {
        let mut failed = Vec::new();
        for some in ordinals.chunks(STARTS) {
            let mut starting = JoinSet::new();
            for &ordinal in some {
                let mut node = wanted.clone();
                node.name.ordinal = ordinal;
                self.say(of, node.name.version, spec, words::STARTED);
                let engine = Arc::clone(&self.engine);
                starting.spawn(async move { engine.start(&node).await });
            }
            while let Some(started) = starting.join_next().await {
                match started {
                    Ok(Ok(seen)) => {
                        let node = Node::new(seen.clone(), spec, false, self.pace, &self.wake);
                        self.nodes.insert(seen.handle, node);
                    }
                    Ok(Err(error)) => failed.push(error),
                    // A panic is told where it happens.
                    Err(_) => failed.push(EngineError::Refused("the node could not be started".to_owned())),
                }
            }
            if !failed.is_empty() {
                break;
            }
        }
        failed
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
