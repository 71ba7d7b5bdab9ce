//! Runs one service: compares what is wanted with the nodes in the engine, and acts.
//!
//! A runner holds the claim on its service, so there is one runner in all processes. It can find all its state
//! again. After a restart of the server, the engine or the machine, it begins without state and comes to the
//! same result.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use gangplank_core::deployment::Spec;
use gangplank_core::{ServiceId, Tenant};
use gangplank_engine::{Engine, EngineError, NodeHandle, NodeSeen, NodeSpec};
use gangplank_store::StoreError;
use gangplank_store::coordination::Claim;
use gangplank_store::metadata::deployments::DeployedService;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Holds;
use super::backoff::Backoff;
use super::bringing::Opened;
use super::handover::{After, LetGo, Placed};
use super::leaving::Leaving;
use super::node::Node;
use super::pace::Pace;
use super::rollout::RolloutInMemory;
use super::{spec, words};
use crate::app::App;
use crate::coordination::Held;
use crate::tenure::Tenure;

/// How many nodes of a service start at the same time.
const STARTS: usize = 4;

/// The runner of one service.
pub(super) struct Runner {
    pub(super) app: Arc<App>,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) pace: Pace,
    pub(super) tenant: Tenant,
    pub(super) service: ServiceId,
    /// The labels of its nodes: account and region, and the name of the service.
    pub(super) labels: (String, String),
    /// The permanent id of the service.
    uuid: String,
    pub(super) wake: Arc<Notify>,
    pub(super) nodes: BTreeMap<NodeHandle, Node>,
    pub(super) leaving: Leaving,
    pub(super) deployments: BTreeMap<i64, Opened>,
    /// The images of the deployment before the current one. They may soon be wanted again.
    pub(super) previous: Vec<String>,
    pub(super) rollout: Option<RolloutInMemory>,
    /// Pauses between starts of the current deployment's nodes.
    pub(super) starts: Backoff,
    /// Pauses after the engine or the store failed.
    trouble: Backoff,
    /// Since when the engine has been away.
    pub(super) away_since: Option<Instant>,
    /// The number of the change of the service that is under way, and when it began.
    pub(super) updating: Option<(i64, Instant)>,
    /// The version of the current deployment, if its spec cannot be read. The log says so once.
    pub(super) unreadable: Option<i64>,
    /// Whether the nodes of earlier runs have been looked at.
    has_looked: bool,
    /// The claim on the service, while this runner has it.
    pub(super) claim: Option<Claim>,
    /// The time until which no other server can serve. `None` if there are no others.
    pub(super) tenure: Option<Tenure>,
    pub(super) placed: Placed,
}

/// Why a look failed.
#[derive(Debug)]
pub(super) enum Trouble {
    Engine(EngineError),
    Store(StoreError),
    /// Another process has the claim.
    Superseded,
    Other(String),
}

/// The pause before the next look.
pub(super) struct Next(pub(super) Option<Duration>);

impl Next {
    /// Shortens the pause to at most this one.
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
            uuid: of.service.uuid.clone(),
            leaving: Leaving::none(Arc::clone(&wake)),
            wake,
            nodes: BTreeMap::new(),
            deployments: BTreeMap::new(),
            previous: Vec::new(),
            rollout: None,
            starts: Backoff::default(),
            trouble: Backoff::default(),
            away_since: None,
            updating: None,
            unreadable: None,
            has_looked: false,
            claim: None,
            tenure: None,
            placed: Placed::default(),
        }
    }

    /// Runs the service until nothing of it is left, until another process serves it, or until `stop` is
    /// cancelled. When `stop` is cancelled, its nodes keep running.
    pub(super) async fn run(mut self, mut claim: Held, stop: CancellationToken) {
        let app = Arc::clone(&self.app);
        let leaves = app.deployer.among().map(|among| among.leaves.clone()).unwrap_or_default();
        loop {
            self.claim = Some(claim.claim().clone());
            self.tenure = claim.tenure();
            self.placed = Placed::Unknown;
            app.deployer.holds(self.service, Holds::Yes);
            let why = tokio::select! {
                biased;
                () = leaves.cancelled() => LetGo::Leaving,
                () = claim.lost() => LetGo::Lost,
                () = stop.cancelled() => return,
                ended = self.look_after() => match ended {
                    None => {
                        // From now on no runner here removes the routes when the service changes or is deleted, so
                        // remove them.
                        app.routes.remove(self.service);
                        break;
                    }
                    Some(why) => why,
                },
            };
            match self.let_go(claim, why, &stop).await {
                After::Again(again) => claim = again,
                After::Over => break,
            }
        }
        app.deployer.is_gone(self.service);
    }

    /// Looks repeatedly, until nothing is left of the service, or the runner has to release it.
    async fn look_after(&mut self) -> Option<LetGo> {
        loop {
            let looked = self.look().await;
            self.note_engine(&looked);
            let pause = match looked {
                Ok(None) => return None,
                Ok(Some(next)) => next.0,
                Err(Trouble::Superseded) => return Some(LetGo::Lost),
                Err(trouble) => {
                    let pause = self.is_in_trouble(&trouble).await;
                    if self.gives_way() {
                        return Some(LetGo::WithoutEngine);
                    }
                    Some(pause)
                }
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

    /// Records whether the last look found that the engine is away.
    fn note_engine(&mut self, looked: &Result<Option<Next>, Trouble>) {
        match looked {
            Ok(_) => self.away_since = None,
            Err(Trouble::Engine(EngineError::Away(_))) => {
                self.away_since.get_or_insert_with(Instant::now);
            }
            Err(_) => {}
        }
    }

    async fn is_in_trouble(&mut self, trouble: &Trouble) -> Duration {
        let now = Instant::now();
        if !self.trouble.has_failed() {
            tracing::warn!(tenant = %self.tenant, service = self.labels.1, %trouble, "cannot check a service now; will try again");
        }
        self.trouble.failed(now, &self.pace);
        if let Err(error) = self.end_what_is_late(trouble).await {
            tracing::warn!(tenant = %self.tenant, service = self.labels.1, %error, "cannot end a deployment now");
        }
        // Wait no longer than between usual looks: an engine that restarts is back within seconds.
        self.trouble.left(now).unwrap_or_default().min(self.pace.look)
    }

    /// Ends deployments and changes whose time is over, also while the engine is out of reach.
    async fn end_what_is_late(&mut self, trouble: &Trouble) -> Result<(), Trouble> {
        if let Some(of) = self.app.metadata.deployed_service(&self.tenant, self.service).await? {
            self.end_if_late(&of, Some(trouble)).await?;
            self.end_update_if_late(&of).await?;
        }
        Ok(())
    }

    /// Looks once. Returns the pause before the next look; `None` if nothing is left of the service.
    async fn look(&mut self) -> Result<Option<Next>, Trouble> {
        let of = self.app.metadata.deployed_service(&self.tenant, self.service).await?;
        let mut seen = self.engine.nodes(Some((&self.labels.0, &self.labels.1))).await?;
        // Another service may have had the name, or have it now.
        seen.retain(|node| node.is_of(&self.uuid));
        let Some(of) = of else {
            if let Some(claim) = self.claim.clone().filter(|_| matches!(self.placed, Placed::Here(_))) {
                self.remove_place(&claim).await?;
            }
            self.end(seen);
            return Ok((!self.leaving.is_empty()).then_some(Next(None)));
        };
        self.app.container_logs.register(&self.labels.0, &self.labels.1, &of.service.uuid);
        self.track(&of, seen).await;
        let mut next = Next(None);
        if of.service.is_disabled {
            self.rollout = None;
            self.publish(&of);
            self.settle_place(&of).await?;
            self.retire_all(|_| true);
            self.keep_images(true);
            self.look_after_update(&of, self.nodes.is_empty(), &mut next).await?;
            // The runner is woken when the service is enabled or deleted, or when a node is gone.
            return Ok(Some(next));
        }
        let is_settled = self.look_after_current(&of, &mut next).await?;
        self.publish(&of);
        self.settle_place(&of).await?;
        self.look_after_next(&of, &mut next).await?;
        let versions = [&of.current, &of.next].map(|it| it.as_ref().map(|it| it.version));
        self.retire_all(|node| !versions.contains(&Some(node.seen.name.version)));
        self.forget_deployments(&versions);
        self.look_after_update(&of, is_settled, &mut next).await?;
        self.trouble = Backoff::default();
        let is_idle = of.current.is_none() && of.next.is_none() && self.leaving.is_empty();
        Ok((!is_idle).then_some(next))
    }

    /// Takes in the engine's present view of the nodes.
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
            // The node is from an earlier run of this server, or from a look that failed.
            let deployment = [&of.current, &of.next].into_iter().flatten();
            let deployment = deployment.into_iter().find(|it| it.version == seen.name.version);
            let spec = deployment.map(|deployment| self.open_or_outline(of, deployment));
            let is_trusted =
                !self.has_looked && of.current.as_ref().is_some_and(|it| it.version == seen.name.version);
            if let Err(error) = self.engine.adopt(&handle).await {
                tracing::warn!(node = handle.0, %error, "cannot read the output of a node");
            }
            let empty = Arc::new(Spec { containers: BTreeMap::new(), endpoint: None });
            let spec = spec.unwrap_or(empty);
            let node = Node::new(seen, &spec, is_trusted, self.pace, &self.wake);
            self.nodes.insert(handle, node);
        }
        self.has_looked = true;
    }

    /// Starts several nodes at the same time. Returns the error of each that failed.
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
                    // The panic itself is in the log.
                    Err(_) => failed.push(EngineError::Refused("the node could not be started".to_owned())),
                }
            }
            if !failed.is_empty() {
                break;
            }
        }
        failed
    }

    /// Retires nodes. Their open requests may end.
    pub(super) fn retire_all(&mut self, goes: impl Fn(&Node) -> bool) {
        let handles: Vec<_> =
            self.nodes.iter().filter(|(_, node)| goes(node)).map(|(handle, _)| handle.clone()).collect();
        for handle in handles {
            self.retire(&handle, true);
        }
    }

    /// Retires a node: after its open requests, or at once.
    pub(super) fn retire(&mut self, handle: &NodeHandle, after_requests: bool) {
        if let Some(node) = self.nodes.remove(handle) {
            let target = node.target.clone().filter(|_| after_requests);
            let name = node.seen.name.clone();
            self.leaving.add(&self.engine, (handle.clone(), name), target, self.pace);
        }
    }

    /// Removes all that is left of a deleted service.
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
            Self::Superseded => f.write_str("another server runs the service"),
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
