//! Runs what services are to run: desired state is in the rows, and the engine is a cache of it.

use std::sync::Arc;

use gangplank_core::ServiceId;
use gangplank_engine::Engine;
use gangplank_store::metadata::deployments::Room;

use crate::jobs::usage::RunningNode;

/// What calls and jobs see of whatever runs services.
pub(crate) struct Deployer {
    engine: Option<Arc<dyn Engine>>,
    room: Room,
}

impl Deployer {
    /// A deployer without an engine: nothing runs.
    pub(crate) fn none() -> Self {
        Self { engine: None, room: Room { cpus: 0.0, memory: 0 } }
    }

    /// What runs services, if anything does.
    pub(crate) fn engine(&self) -> Option<&Arc<dyn Engine>> {
        self.engine.as_ref()
    }

    /// What services may be promised, all together.
    pub(crate) fn room(&self) -> Room {
        self.room
    }

    /// The nodes of current deployments.
    pub(crate) fn nodes_running(&self) -> Vec<RunningNode> {
        Vec::new()
    }

    /// A service was changed, deployed to or deleted: looks after it now.
    pub(crate) fn wake(&self, service: ServiceId) {
        let _ = service;
    }
}
