//! Nodes that are on their way out: requests that they have may end, then they are stopped and removed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gangplank_engine::{Engine, EngineError, NodeHandle, NodeName};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::pace::Pace;
use crate::endpoint::routes;

/// From one look at a node's requests to the next.
const LOOK: Duration = Duration::from_millis(50);

/// Requests that found a route before it changed come within this time.
const ON_THEIR_WAY: Duration = Duration::from_millis(250);

/// The nodes of one service that are on their way out.
pub(super) struct Leaving {
    nodes: Arc<Mutex<BTreeMap<NodeHandle, NodeName>>>,
    tasks: JoinSet<()>,
    wake: Arc<Notify>,
}

impl Leaving {
    /// None yet. Each that is gone wakes.
    pub(super) fn none(wake: Arc<Notify>) -> Self {
        Self { nodes: Arc::default(), tasks: JoinSet::new(), wake }
    }

    /// Whether a node is on its way out.
    pub(super) fn contains(&self, handle: &NodeHandle) -> bool {
        lock(&self.nodes).contains_key(handle)
    }

    /// The ordinals that nodes of this version still have.
    pub(super) fn ordinals(&self, version: i64) -> Vec<u32> {
        lock(&self.nodes).values().filter(|name| name.version == version).map(|name| name.ordinal).collect()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        lock(&self.nodes).is_empty()
    }

    /// Lets a node go: at once, or if it has a `target`, after the requests that this has under way, in the time for
    /// that. No route may lead to it any more.
    pub(super) fn add(
        &mut self,
        engine: &Arc<dyn Engine>,
        (handle, name): (NodeHandle, NodeName),
        target: Option<Arc<routes::Node>>,
        pace: Pace,
    ) {
        while self.tasks.try_join_next().is_some() {}
        if lock(&self.nodes).insert(handle.clone(), name).is_some() {
            return;
        }
        let (engine, nodes, wake) = (Arc::clone(engine), Arc::clone(&self.nodes), Arc::clone(&self.wake));
        self.tasks.spawn(async move {
            if let Some(target) = target {
                drain(&target, pace.drain).await;
            }
            match engine.remove(&handle, pace.grace).await {
                Ok(()) | Err(EngineError::NoNode) => {}
                // It is seen again at the next look, and goes then.
                Err(error) => {
                    tracing::debug!(node = handle.0, %error, "cannot remove a node yet");
                    tokio::time::sleep(pace.pause).await;
                }
            }
            lock(&nodes).remove(&handle);
            wake.notify_one();
        });
    }
}

async fn drain(target: &routes::Node, longest: Duration) {
    let end = Instant::now() + longest;
    tokio::time::sleep(ON_THEIR_WAY.min(longest)).await;
    while target.under_way() > 0 && Instant::now() < end {
        tokio::time::sleep(LOOK).await;
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
