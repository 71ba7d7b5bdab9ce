//! The machine of an engine, of each kind, for the contract.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use gangplank_engine::docker::{Choice, Docker, Options};
use gangplank_engine::memory::Machine;
use gangplank_engine::{Engine, NodeSeen};

use crate::actor;
use crate::daemon::Daemon;
use crate::recorder::Recorder;

/// A machine.
pub(crate) enum World {
    /// Ours, in memory.
    Memory(Machine),
    /// A daemon for the tests.
    Daemon(Daemon),
}

impl World {
    /// A machine in memory.
    pub(crate) fn memory() -> Self {
        Self::Memory(Machine::new(actor::behaviour))
    }

    /// A server's connection to it.
    pub(crate) async fn engine(&self, owner: &str, output: &Arc<Recorder>) -> Box<dyn Engine> {
        match self {
            Self::Memory(machine) => {
                let engine = machine.engine(owner, output.clone());
                machine.add_image(actor::IMAGE);
                machine.add_image(actor::BROKEN_IMAGE);
                Box::new(engine)
            }
            Self::Daemon(daemon) => Box::new(docker(daemon, self.options(owner, output)).await),
        }
    }

    /// The options for an engine of it.
    pub(crate) fn options(&self, owner: &str, output: &Arc<Recorder>) -> Options {
        let mut options = Options::new(owner, "127.0.0.1:1", output.clone());
        if let Self::Daemon(daemon) = self {
            options.choice = daemon.choice;
            options.host = Some(daemon.host());
        }
        options
    }

    /// Whether it is Podman. Podman does not always report that a container ended because of its memory.
    pub(crate) fn is_podman(&self) -> bool {
        matches!(self, Self::Daemon(daemon) if daemon.choice == Choice::Podman)
    }

    pub(crate) fn daemon(&self) -> &Daemon {
        match self {
            Self::Daemon(daemon) => daemon,
            Self::Memory(_) => panic!("the machine in memory has no daemon"),
        }
    }

    /// Ends the pause container of a node, as a person or the kernel might.
    pub(crate) async fn lose_pause(&self, owner: &str, node: &NodeSeen) {
        match self {
            Self::Memory(machine) => machine.break_node(&node.name),
            Self::Daemon(daemon) => daemon.kill(&daemon.pause_of(owner, &node.name).await).await,
        }
    }

    /// An owner that no other trial has.
    pub(crate) fn owner() -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // The owner also differs between runs, because the leftovers of networks are found by their names, which
        // contain the owner.
        format!("trial-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The engine behind a daemon.
pub(crate) async fn docker(daemon: &Daemon, options: Options) -> Docker {
    let docker = Docker::connect(options).await.expect("options").expect("an engine");
    assert!(docker.place().is_some(), "the daemon at {} does not answer", daemon.host());
    docker
}
