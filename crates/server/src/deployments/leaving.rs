//! Nodes that are leaving: first their open requests may end, and then they are stopped and removed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gangplank_engine::{Engine, EngineError, NodeHandle, NodeName};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::pace::Pace;
use crate::endpoint::routes;

/// The pause between two looks at a node's open requests.
const LOOK: Duration = Duration::from_millis(50);

/// Requests that took a route before it changed reach the node within this time.
const ON_THEIR_WAY: Duration = Duration::from_millis(250);

/// The leaving nodes of one service.
pub(super) struct Leaving {
    nodes: Arc<Mutex<BTreeMap<NodeHandle, NodeName>>>,
    tasks: JoinSet<()>,
    wake: Arc<Notify>,
}

impl Leaving {
    /// No nodes. Each node that is gone wakes `wake`.
    pub(super) fn none(wake: Arc<Notify>) -> Self {
        Self { nodes: Arc::default(), tasks: JoinSet::new(), wake }
    }

    /// Whether a node is leaving.
    pub(super) fn contains(&self, handle: &NodeHandle) -> bool {
        lock(&self.nodes).contains_key(handle)
    }

    /// The ordinals that leaving nodes of this version still have.
    pub(super) fn ordinals(&self, version: i64) -> Vec<u32> {
        lock(&self.nodes).values().filter(|name| name.version == version).map(|name| name.ordinal).collect()
    }

    /// Whether no node is leaving.
    pub(super) fn is_empty(&self) -> bool {
        lock(&self.nodes).is_empty()
    }

    /// Stops and removes a node. No route may lead to the node any more. If `target` is given, the node gets
    /// some time to finish its open requests. Otherwise it is stopped at once.
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
                // The next look sees the node again, and removes it.
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
