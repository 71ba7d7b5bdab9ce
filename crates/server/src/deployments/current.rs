//! Brings the current deployment to its wanted nodes, also while the service changes.

use std::sync::Arc;
use std::time::Duration;

use gangplank_core::deployment::Spec;
use gangplank_engine::EngineError;
use gangplank_store::metadata::deployments::DeployedService;
use tokio::time::Instant;

use super::bringing::Brought;
use super::health::Verdict;
use super::images::NotThere;
use super::plan::{self, Present};
use super::runner::{Next, Runner, Trouble};
use super::words;

impl Runner {
    /// Brings the current deployment closer to its wanted nodes. Returns whether it has them all.
    pub(super) async fn look_after_current(
        &mut self,
        of: &DeployedService,
        next: &mut Next,
    ) -> Result<bool, Trouble> {
        let before = self.unreadable.take();
        let Some(current) = &of.current else { return Ok(true) };
        let spec = match self.open(of, current) {
            Ok(spec) => spec,
            Err(trouble) => {
                // Its nodes keep running until the next deployment replaces them.
                self.unreadable = Some(current.version);
                if before != self.unreadable {
                    let (tenant, service, version) = (&self.tenant, &self.labels.1, current.version);
                    tracing::error!(%tenant, service, version, %trouble, "cannot read what a service should run");
                    let outline = self.open_or_outline(of, current);
                    self.say(of, version, &outline, words::UNREADABLE);
                }
                return Ok(false);
            }
        };
        match self.bring(of, current, next)? {
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
        let count = of.service.scale.nodes().into();
        let plan = plan::plan(&present, &self.leaving.ordinals(current.version), count);
        self.retire_all(|node| {
            node.seen.name.version == current.version && plan.retire.contains(&node.seen.name.ordinal)
        });
        if let Some(left) = self.starts.left(Instant::now()).filter(|_| !plan.start.is_empty()) {
            next.within(left);
        } else {
            for error in self.start(of, &wanted, &plan.start, &spec).await {
                let (EngineError::Refused(_) | EngineError::NoImage(_)) = error else {
                    return Err(error.into());
                };
                self.say(of, current.version, &spec, &error.to_string());
                self.starts.failed(Instant::now(), &self.pace);
                // Somebody may have removed the image from the engine: bring the images again.
                self.deployments.remove(&current.version);
                next.within(self.pace.pause);
            }
        }
        for node in self.nodes.values().filter(|node| node.seen.name.version == current.version) {
            node.next_look(&self.pace).into_iter().for_each(|pause| next.within(pause));
        }
        Ok(plan.is_settled)
    }

    /// Retires nodes whose containers ended, and nodes that lost their network. New nodes replace them after a
    /// pause.
    fn retire_ended(&mut self, of: &DeployedService, version: i64, spec: &Arc<Spec>) {
        let mut gone = Vec::new();
        let mut said = Vec::new();
        for (handle, node) in self.nodes.iter().filter(|(_, node)| node.seen.name.version == version) {
            let memory = of.service.power.room(1).memory;
            let before = said.len();
            // A node that is not whole may have been stopped with its engine. That is no failure of its
            // containers.
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

    /// The nodes of a deployment, in the form that [`plan`] takes.
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

    /// Ends a change of the service when all nodes are as wanted, or when its time is over.
    pub(super) async fn look_after_update(
        &mut self,
        of: &DeployedService,
        is_settled: bool,
        next: &mut Next,
    ) -> Result<(), Trouble> {
        if is_settled && self.leaving.is_empty() {
            return self.settle(of).await;
        }
        if let Some(left) = self.end_update_if_late(of).await? {
            next.within(left);
        }
        Ok(())
    }

    /// Ends a change of the service whose time is over. Returns the rest of its time; `None` if no change is
    /// under way.
    pub(super) async fn end_update_if_late(
        &mut self,
        of: &DeployedService,
    ) -> Result<Option<Duration>, Trouble> {
        if !of.service.is_updating {
            self.updating = None;
            return Ok(None);
        }
        let change = of.service.changes;
        let known = self.updating.filter(|(known, _)| *known == change);
        let (_, since) = *self.updating.insert(known.unwrap_or_else(|| (change, Instant::now())));
        let left = self.app.deployments.timeout.saturating_sub(since.elapsed());
        if !left.is_zero() {
            return Ok(Some(left));
        }
        if let Some(current) = &of.current {
            let spec = self.open_or_outline(of, current);
            self.say(of, current.version, &spec, words::TOO_LONG);
        }
        self.settle(of).await?;
        Ok(None)
    }

    /// Marks the change of the service as done.
    pub(super) async fn settle(&mut self, of: &DeployedService) -> Result<(), Trouble> {
        if of.service.is_updating {
            self.app.metadata.settle_service(self.service, of.service.changes).await?;
            self.updating = None;
        }
        Ok(())
    }
}
