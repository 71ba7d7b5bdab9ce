//! A deployment in progress. Its nodes start while others serve. When all are healthy, they take over in one
//! step. If the deployment fails, the others keep serving.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use gangplank_core::deployment::{Spec, Step};
use gangplank_engine::{EngineError, NodeHandle, NodeSpec};
use gangplank_store::metadata::deployments::{DeployedService, Deployment, Rollout};
use tokio::time::Instant;

use super::bringing::Brought;
use super::images::{self, NotThere};
use super::node::Node;
use super::plan;
use super::runner::{Next, Runner, Trouble};
use super::words;

/// How many failures end a deployment: containers that end or fail to start.
const ATTEMPTS: u32 = 3;

/// How often a registry that cannot be reached is tried.
const PULLS: u32 = 3;

/// The state of a deployment in progress that is not in its row.
pub(super) struct RolloutInMemory {
    version: i64,
    /// The state in its row.
    row: Rollout,
    /// How often the registry could not be reached.
    pulls: u32,
    /// The runs of containers whose end was counted, so that each counts once.
    counted: BTreeSet<String>,
    /// The containers that are to be started again, and when.
    restarts: BTreeMap<(NodeHandle, String), Instant>,
    /// When the next node may be started.
    start_at: Option<Instant>,
    /// The last failure, and how often it happened in a row.
    last: Option<(String, u32)>,
}

impl RolloutInMemory {
    fn of(version: i64, row: &Rollout) -> Self {
        Self {
            version,
            row: row.clone(),
            pulls: 0,
            counted: BTreeSet::new(),
            restarts: BTreeMap::new(),
            start_at: None,
            last: None,
        }
    }

    /// Counts a failure. Returns the pause before the next attempt; `None` if this was the last one.
    fn failed(&mut self, why: String, pause: Duration) -> Option<Duration> {
        self.row.failures += 1;
        self.last = match self.last.take() {
            Some((before, times)) if before == why => Some((why, times + 1)),
            _ => Some((why, 1)),
        };
        (self.row.failures < ATTEMPTS).then(|| pause.saturating_mul(self.row.failures))
    }

    /// The last failure, for people.
    fn reason(&self) -> Option<String> {
        self.last.as_ref().map(|(why, times)| match times {
            1 => why.clone(),
            times => format!("{why}, {times} times"),
        })
    }
}

impl Runner {
    /// Takes the next deployment a step further.
    pub(super) async fn look_after_next(
        &mut self,
        of: &DeployedService,
        next: &mut Next,
    ) -> Result<(), Trouble> {
        let (Some(deployment), Some(row)) = (&of.next, &of.rollout) else {
            self.rollout = None;
            return Ok(());
        };
        let version = deployment.version;
        let Ok(spec) = self.open(of, deployment) else {
            let outline = self.open_or_outline(of, deployment);
            return self.fail(of, deployment, &outline, "what it is to run cannot be read any more").await;
        };
        if self.rollout.as_ref().is_none_or(|it| it.version != version) {
            self.rollout = Some(RolloutInMemory::of(version, row));
            if row.message.is_none() {
                self.say(of, version, &spec, words::CREATING);
            }
            self.note(Step::CreatingDeployment, "Images are being pulled.").await?;
        }
        if self.end_if_late(of, None).await? {
            return Ok(());
        }
        match self.bring(of, deployment, next)? {
            Brought::There => {}
            Brought::Coming => {
                self.wait_for_deadline(next);
                return Ok(());
            }
            Brought::Failed(NotThere::Ever(why)) => return self.fail(of, deployment, &spec, &why).await,
            Brought::Failed(NotThere::Yet(why)) => {
                self.say(of, version, &spec, &why);
                let pulls = self.rollout.as_mut().map_or(0, |rollout| {
                    rollout.pulls += 1;
                    rollout.last = Some((why.clone(), 1));
                    rollout.pulls
                });
                if pulls >= PULLS {
                    return self.fail(of, deployment, &spec, &why).await;
                }
                self.wait_for_deadline(next);
                return Ok(());
            }
        }
        let Some(wanted) = self.wanted(of, deployment) else { return Ok(()) };
        // Retire nodes that an earlier run started from another spec, for example with another power.
        let hash = wanted.hash();
        self.retire_all(|node| node.seen.name.version == version && node.seen.spec != hash);
        if !self.count_failures(of, deployment, &spec).await? {
            return Ok(());
        }
        self.restart_due(of, deployment, &spec, next).await?;
        let present = self.present(version, &hash, &spec);
        let count = of.service.scale.nodes().into();
        let plan = plan::plan(&present, &self.leaving.ordinals(version), count);
        self.retire_all(|node| {
            node.seen.name.version == version && plan.retire.contains(&node.seen.name.ordinal)
        });
        if !plan.start.is_empty() && !self.start_missing(of, deployment, &wanted, &plan.start, next).await? {
            return Ok(());
        }
        for node in self.nodes.values().filter(|node| node.seen.name.version == version) {
            node.next_look(&self.pace).into_iter().for_each(|pause| next.within(pause));
        }
        if plan.is_settled {
            return self.activate(of, deployment, &spec, next).await;
        }
        if present.len() >= usize::try_from(count).unwrap_or(usize::MAX) {
            self.note(Step::EvaluatingHealthCheck, "Nodes run and have to show that they are healthy.")
                .await?;
        }
        self.wait_for_deadline(next);
        Ok(())
    }

    /// Starts missing nodes, after the pause that follows a failure. Returns `false` if this round has to end
    /// here.
    async fn start_missing(
        &mut self,
        of: &DeployedService,
        deployment: &Deployment,
        wanted: &NodeSpec,
        ordinals: &[u32],
        next: &mut Next,
    ) -> Result<bool, Trouble> {
        let spec = self.open(of, deployment)?;
        let at = self.rollout.as_ref().and_then(|rollout| rollout.start_at);
        if let Some(at) = at.filter(|at| *at > Instant::now()) {
            next.within(at.saturating_duration_since(Instant::now()));
            return Ok(true);
        }
        self.note(Step::CreatingDeployment, "Nodes are being started.").await?;
        next.within(Duration::ZERO);
        for error in self.start(of, wanted, ordinals, &spec).await {
            match error {
                EngineError::Refused(why) => {
                    if !self.count(of, deployment, &spec, why, None).await? {
                        return Ok(false);
                    }
                }
                EngineError::NoImage(why) => {
                    // Somebody removed the image from the engine: bring it again.
                    self.say(of, deployment.version, &spec, &why);
                    self.deployments.remove(&deployment.version);
                    next.within(self.pace.pause);
                    return Ok(false);
                }
                error => return Err(error.into()),
            }
        }
        Ok(true)
    }

    fn wait_for_deadline(&self, next: &mut Next) {
        let now = self.app.clock.steady();
        let left = self.rollout.as_ref().map(|rollout| rollout.row.deadline.0.saturating_sub(now.0));
        let left = left.map(|left| Duration::from_millis(u64::try_from(left).unwrap_or_default()));
        if let Some(left) = left {
            next.within(left);
        }
    }

    /// Stores the step that the deployment is at, if it is new.
    async fn note(&mut self, step: Step, message: &str) -> Result<(), Trouble> {
        let Some(rollout) = &mut self.rollout else { return Ok(()) };
        let row = Rollout { step, message: Some(message.to_owned()), ..rollout.row.clone() };
        if row != rollout.row {
            rollout.row = row.clone();
            self.app.metadata.note_step(self.service, rollout.version, row).await?;
        }
        Ok(())
    }

    /// Counts the containers that ended since the last look. Returns `false` if there were too many.
    async fn count_failures(
        &mut self,
        of: &DeployedService,
        deployment: &Deployment,
        spec: &Arc<Spec>,
    ) -> Result<bool, Trouble> {
        let version = deployment.version;
        let memory = of.service.power.room(1).memory;
        let mut ended = Vec::new();
        let mut gone = Vec::new();
        for (handle, node) in self.nodes.iter().filter(|(_, node)| node.seen.name.version == version) {
            if !node.is_whole(spec) {
                // The engine was stopped, somebody ended the node, or its start was interrupted: start another
                // one.
                gone.push(handle.clone());
                continue;
            }
            for (name, container) in node.failed(spec) {
                let why = words::ended(name, &container.state, memory);
                ended.push((container.run.clone(), handle.clone(), name.clone(), why));
            }
        }
        for handle in &gone {
            self.retire(handle, false);
        }
        for (run, handle, name, why) in ended {
            let is_news = self.rollout.as_mut().is_some_and(|rollout| rollout.counted.insert(run));
            if is_news && !self.count(of, deployment, spec, why, Some((handle, name))).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Counts a failure of a container that is started again, or of a node that could not be started. Returns
    /// `false` if there were too many.
    async fn count(
        &mut self,
        of: &DeployedService,
        deployment: &Deployment,
        spec: &Arc<Spec>,
        why: String,
        container: Option<(NodeHandle, String)>,
    ) -> Result<bool, Trouble> {
        self.say(of, deployment.version, spec, &why);
        let pause = self.pace.pause;
        let Some(rollout) = &mut self.rollout else { return Ok(false) };
        let Some(pause) = rollout.failed(why, pause) else {
            let reason = rollout.reason().unwrap_or_default();
            self.fail(of, deployment, spec, &reason).await?;
            return Ok(false);
        };
        let due = Instant::now() + pause;
        match container {
            Some(container) => drop(rollout.restarts.insert(container, due)),
            None => rollout.start_at = Some(due),
        }
        let (version, row) = (rollout.version, rollout.row.clone());
        self.app.metadata.note_step(self.service, version, row).await?;
        Ok(true)
    }

    /// Restarts containers that ended, in their nodes, after their pauses.
    async fn restart_due(
        &mut self,
        of: &DeployedService,
        deployment: &Deployment,
        spec: &Arc<Spec>,
        next: &mut Next,
    ) -> Result<(), Trouble> {
        let now = Instant::now();
        let Some(rollout) = &mut self.rollout else { return Ok(()) };
        let due: Vec<_> =
            rollout.restarts.iter().filter(|(_, at)| **at <= now).map(|(it, _)| it.clone()).collect();
        for container in due {
            if let Some(rollout) = &mut self.rollout {
                rollout.restarts.remove(&container);
            }
            let (handle, name) = &container;
            self.say(of, deployment.version, spec, words::STARTED);
            match self.engine.restart(handle, name).await {
                Ok(()) => {}
                Err(EngineError::Away(why)) => {
                    if let Some(rollout) = &mut self.rollout {
                        rollout.restarts.insert(container, now);
                    }
                    return Err(EngineError::Away(why).into());
                }
                // Retire the node: another one replaces it.
                Err(_) => self.retire(handle, false),
            }
            next.within(Duration::ZERO);
        }
        let rollout = self.rollout.as_ref();
        let pending = rollout.into_iter().flat_map(|rollout| rollout.restarts.values());
        pending.for_each(|at| next.within(at.saturating_duration_since(now)));
        Ok(())
    }

    /// Makes the deployment the current one, since all its nodes are healthy.
    async fn activate(
        &mut self,
        of: &DeployedService,
        deployment: &Deployment,
        spec: &Arc<Spec>,
        next: &mut Next,
    ) -> Result<(), Trouble> {
        self.note(Step::ActivatingDeployment, "Requests are being led to the new nodes.").await?;
        if of.current.is_none() {
            // Publish before the row: a client that sees the first deployment active may send requests at
            // once.
            let soon = DeployedService { current: of.next.clone(), ..of.clone() };
            self.publish(&soon);
            self.settle_place(&soon).await?;
        }
        let by = images::origin(&self.app);
        let version = deployment.version;
        if self.app.metadata.activate_deployment(&by, self.service, version).await? {
            self.say(of, version, spec, words::STEADY);
            self.app.metadata.forget_metrics_of(self.service).await?;
            let (tenant, service) = (&self.tenant, &self.labels.1);
            tracing::info!(%tenant, service, version, "a deployment is active");
        }
        self.rollout = None;
        // The next look reads the changed rows. It leads requests to the new nodes, then retires the old ones.
        next.within(Duration::ZERO);
        Ok(())
    }

    /// Ends the next deployment if its time is over. Returns whether its time was over.
    pub(super) async fn end_if_late(
        &mut self,
        of: &DeployedService,
        trouble: Option<&Trouble>,
    ) -> Result<bool, Trouble> {
        let (Some(deployment), Some(row)) = (&of.next, &of.rollout) else { return Ok(false) };
        if self.app.clock.steady() < row.deadline {
            return Ok(false);
        }
        let spec = self.open_or_outline(of, deployment);
        self.say(of, deployment.version, &spec, words::TOO_LONG);
        let nodes = || self.nodes.values().filter(|node| node.seen.name.version == deployment.version);
        let answer = nodes().find_map(Node::last_answer);
        let before = self.rollout.as_ref().and_then(RolloutInMemory::reason);
        let has_failed = row.failures > 0;
        let reason = match (trouble, before, &spec.endpoint) {
            (Some(trouble), _, _) => Some(trouble.to_string()),
            (None, Some(reason), _) if answer.is_none() => Some(reason),
            (None, before, Some(endpoint)) if nodes().next().is_some() => {
                let unhealthy = words::unhealthy(endpoint, answer.as_deref());
                // A container that ended before explains why the node does not answer now.
                let before = before.filter(|_| has_failed);
                Some(before.map_or(unhealthy.clone(), |before| format!("{before}; {unhealthy}")))
            }
            (None, reason, _) => reason,
        };
        let reason = reason.map_or(words::TOO_LONG.to_owned(), |it| format!("{}: {it}", words::TOO_LONG));
        self.fail(of, deployment, &spec, &reason).await?;
        Ok(true)
    }

    /// Fails the next deployment. The current one keeps serving.
    async fn fail(
        &mut self,
        of: &DeployedService,
        deployment: &Deployment,
        spec: &Arc<Spec>,
        why: &str,
    ) -> Result<(), Trouble> {
        let version = deployment.version;
        // Log before the row: a client that sees the failure finds the reason in the log.
        let line = why.strip_prefix(words::TOO_LONG).map_or(why, |rest| rest.trim_start_matches(": "));
        if !line.is_empty() {
            self.say(of, version, spec, line);
        }
        self.say(of, version, spec, words::CANCELED);
        let by = images::origin(&self.app);
        self.app.metadata.fail_deployment(&by, self.service, version, why).await?;
        let (tenant, service) = (&self.tenant, &self.labels.1);
        tracing::info!(%tenant, service, version, why, "a deployment failed");
        self.rollout = None;
        let handles = self.nodes.iter().filter(|(_, node)| node.seen.name.version == version);
        let handles: Vec<_> = handles.map(|(handle, _)| handle.clone()).collect();
        for handle in &handles {
            self.retire(handle, false);
        }
        self.wake.notify_one();
        Ok(())
    }
}
