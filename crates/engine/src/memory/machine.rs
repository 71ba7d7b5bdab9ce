//! The machine that an engine in memory runs on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::faults::Script;
use super::node::Node;
use super::{Behaviour, Memory};
use crate::{ContainerSpec, Host, NodeName, Output};

/// Decides about the behaviour of a container, by its node, name and specification.
type Program = dyn Fn(&NodeName, &str, &ContainerSpec) -> Behaviour + Send + Sync;

/// The machine that engines in memory run on. A clone is the same machine.
#[derive(Clone)]
pub struct Machine {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    script: Mutex<Script>,
    changes: watch::Sender<u64>,
    counter: AtomicU64,
}

/// The state of a machine.
pub(super) struct State {
    pub(super) program: Arc<Program>,
    pub(super) host: Host,
    /// Nodes by handle.
    pub(super) nodes: BTreeMap<String, Node>,
    /// The images that engines brought, each with its owner.
    pub(super) images: BTreeSet<(String, String)>,
    /// An image cannot be pulled if its name contains one of these texts.
    pub(super) missing: Vec<String>,
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Machine {
    /// A machine with four processors and 8 GiB. `program` decides about the behaviour of each container that starts.
    pub fn new(
        program: impl Fn(&NodeName, &str, &ContainerSpec) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        let state = State {
            program: Arc::new(program),
            host: Host { cpus: 4.0, memory: 8 << 30 },
            nodes: BTreeMap::new(),
            images: BTreeSet::new(),
            missing: Vec::new(),
        };
        Self {
            inner: Arc::new(Inner {
                state: Mutex::new(state),
                script: Mutex::default(),
                changes: watch::Sender::new(0),
                counter: AtomicU64::new(1),
            }),
        }
    }

    /// A machine on which every container answers with 200 on its ports.
    pub fn serving() -> Self {
        Self::new(|_, _, _| Behaviour::serves(200))
    }

    /// A server's connection to the machine, for nodes with the label `owner`.
    pub fn engine(&self, owner: &str, output: Arc<dyn Output>) -> Memory {
        Memory::new(self.clone(), owner, output)
    }

    /// Sets the behaviour of containers that start from now on.
    pub fn set_program(
        &self,
        program: impl Fn(&NodeName, &str, &ContainerSpec) -> Behaviour + Send + Sync + 'static,
    ) {
        self.state().program = Arc::new(program);
    }

    /// Sets the resources of the machine.
    pub fn set_host(&self, host: Host) {
        self.state().host = host;
    }

    /// Identifies the machine.
    pub(super) fn identity(&self) -> String {
        format!("memory {:p}", Arc::as_ptr(&self.inner))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        unpoisoned(&self.inner.state)
    }

    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        unpoisoned(&self.inner.script)
    }

    /// A number that was not used before.
    pub(super) fn next(&self) -> u64 {
        self.inner.counter.fetch_add(1, Ordering::Relaxed)
    }

    /// Wakes everybody who watches.
    pub(super) fn changed(&self) {
        self.inner.changes.send_modify(|count| *count += 1);
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// Changes a node after a while, if node and machine still exist.
    pub(super) fn later(&self, time: Duration, action: impl FnOnce(&Self) + Send + 'static) {
        let inner = Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            if let Some(inner) = inner.upgrade() {
                action(&Self { inner });
            }
        });
    }
}

/// Nanoseconds since 1970 by the machine's clock. An engine has another clock than the server.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
