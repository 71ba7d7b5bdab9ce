//! A node of a runner: the engine's view of it, and its health.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gangplank_core::deployment::{Endpoint, Protocol, Spec};
use gangplank_engine::{ContainerSeen, ContainerState, NodeSeen};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::health::{Health, Verdict};
use super::pace::Pace;
use crate::endpoint::probe;
use crate::endpoint::routes;

/// A node of a runner.
pub(super) struct Node {
    /// The engine's last view of the node.
    pub(super) seen: NodeSeen,
    /// The address for requests, if the deployment has an endpoint.
    pub(super) target: Option<Arc<routes::Node>>,
    wellness: Wellness,
    probing: Option<AbortHandle>,
}

/// How the health of a node is found.
enum Wellness {
    /// By health checks of its endpoint.
    Asked(Arc<Mutex<Asked>>),
    /// By its containers, which have to run for a while. The moment is when they last changed.
    RunsSince(Instant),
}

/// The results of health checks.
struct Asked {
    health: Health,
    /// Why the last check failed, if it did.
    last: Option<String>,
}

impl Node {
    /// A node that was just started. A trusted one served before this server started.
    pub(super) fn new(seen: NodeSeen, spec: &Spec, is_trusted: bool, pace: Pace, wake: &Arc<Notify>) -> Self {
        let Some(endpoint) = &spec.endpoint else {
            let since = Instant::now();
            let since = if is_trusted { since.checked_sub(pace.run_in).unwrap_or(since) } else { since };
            return Self { seen, target: None, wellness: Wellness::RunsSince(since), probing: None };
        };
        let check = &endpoint.health_check;
        let health = if is_trusted { Health::trusted(check) } else { Health::unproven(check) };
        let asked = Arc::new(Mutex::new(Asked { health, last: None }));
        let target = seen.addresses.get(&endpoint.port).map(|&address| Arc::new(routes::Node::new(address)));
        let probing = target.as_ref().map(|target| {
            let probing = Probing {
                address: target.address,
                is_tls: speaks_tls(spec, endpoint),
                endpoint: endpoint.clone(),
                asked: Arc::clone(&asked),
                target: Arc::clone(target),
                pace,
                wake: Arc::clone(wake),
            };
            tokio::spawn(probing.run()).abort_handle()
        });
        Self { seen, target, wellness: Wellness::Asked(asked), probing }
    }

    /// Takes in the engine's present view. Returns `false` if another node has taken its place: it has other
    /// addresses.
    pub(super) fn see(&mut self, seen: NodeSeen) -> bool {
        if self.seen.addresses != seen.addresses {
            return false;
        }
        if let Wellness::RunsSince(since) = &mut self.wellness
            && self.seen.containers != seen.containers
        {
            *since = Instant::now();
        }
        self.seen = seen;
        true
    }

    /// The health of the node.
    pub(super) fn verdict(&self, spec: &Spec, pace: &Pace) -> Verdict {
        match &self.wellness {
            Wellness::Asked(asked) => lock(asked).health.verdict(),
            Wellness::RunsSince(since) => {
                let all_run = self.seen.containers.iter().all(|(name, container)| {
                    container.state == ContainerState::Running || has_done_its_work(spec, name, container)
                });
                let is_run_in = all_run && since.elapsed() >= pace.run_in;
                if is_run_in { Verdict::Healthy } else { Verdict::Unproven }
            }
        }
    }

    /// The time after which [`verdict`](Self::verdict) may change without an event; `None` if only events
    /// change it.
    pub(super) fn next_look(&self, pace: &Pace) -> Option<Duration> {
        match &self.wellness {
            Wellness::Asked(_) => None,
            Wellness::RunsSince(since) => {
                pace.run_in.checked_sub(since.elapsed()).filter(|left| !left.is_zero())
            }
        }
    }

    /// Why its last health check failed, if it did.
    pub(super) fn last_answer(&self) -> Option<String> {
        match &self.wellness {
            Wellness::Asked(asked) => lock(asked).last.clone(),
            Wellness::RunsSince(_) => None,
        }
    }

    /// Whether all containers were started and the network exists. If not, another node has to replace this
    /// one.
    pub(super) fn is_whole(&self, spec: &Spec) -> bool {
        self.seen.is_whole && spec.containers.keys().all(|name| self.seen.containers.contains_key(name))
    }

    /// The containers that ended but should run.
    pub(super) fn failed<'a>(
        &'a self,
        spec: &'a Spec,
    ) -> impl Iterator<Item = (&'a String, &'a ContainerSeen)> {
        self.seen.containers.iter().filter(|(name, container)| {
            matches!(container.state, ContainerState::Exited { .. })
                && !has_done_its_work(spec, name, container)
        })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(probing) = &self.probing {
            probing.abort();
        }
    }
}

/// Whether a container ended as intended: its status is 0, and it is not the container of the endpoint.
fn has_done_its_work(spec: &Spec, name: &str, container: &ContainerSeen) -> bool {
    let is_endpoint = spec.endpoint.as_ref().is_some_and(|endpoint| endpoint.container == name);
    !is_endpoint && matches!(container.state, ContainerState::Exited { status: 0, .. })
}

/// Whether an endpoint speaks HTTPS.
pub(super) fn speaks_tls(spec: &Spec, endpoint: &Endpoint) -> bool {
    let ports: Option<&BTreeMap<u16, Protocol>> =
        spec.containers.get(&endpoint.container).map(|it| &it.ports);
    ports.and_then(|ports| ports.get(&endpoint.port)) == Some(&Protocol::Https)
}

/// The repeated health checks of one node.
struct Probing {
    address: SocketAddr,
    is_tls: bool,
    endpoint: Endpoint,
    asked: Arc<Mutex<Asked>>,
    target: Arc<routes::Node>,
    pace: Pace,
    wake: Arc<Notify>,
}

impl Probing {
    async fn run(self) {
        let check = &self.endpoint.health_check;
        let timeout = Duration::from_secs(check.timeout_seconds.into());
        loop {
            let answer = probe::probe(self.address, self.is_tls, &check.path, timeout).await;
            let answer = match answer {
                Ok(status) if check.accepts(status.as_u16()) => Ok(()),
                Ok(status) => Err(format!("the answer was {}", status.as_u16())),
                Err(error) => Err(error.to_string()),
            };
            let pause = self.note(answer);
            tokio::time::sleep(pause).await;
        }
    }

    /// Records an answer. Returns the pause before the next check.
    fn note(&self, answer: Result<(), String>) -> Duration {
        let interval = Duration::from_secs(self.endpoint.health_check.interval_seconds.into());
        let mut asked = lock(&self.asked);
        let before = asked.health.verdict();
        let verdict = asked.health.note(answer.is_ok());
        asked.last = answer.err();
        let is_silent = asked.health.is_silent();
        drop(asked);
        self.target.is_healthy.store(
            !matches!(verdict, Verdict::Unhealthy | Verdict::Lost),
            std::sync::atomic::Ordering::Relaxed,
        );
        if verdict != before {
            self.wake.notify_one();
        }
        match verdict {
            Verdict::Unproven if is_silent => interval.min(self.pace.first_probe),
            Verdict::Unproven => interval.min(self.pace.probe),
            Verdict::Healthy | Verdict::Unhealthy | Verdict::Lost => interval,
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
