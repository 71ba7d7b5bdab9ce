//! The connections of a process: a bounded number, and a bounded wait for one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::connection::{Connection, Open};
use super::target::Target;
use crate::{Result, StoreError};

/// How many connections a process has at the most. Three processes leave room in PostgreSQL's hundred.
const MOST: usize = 16;

/// How long a connection is waited for. An answer that says "try later" is better than a queue without end.
const PATIENCE: Duration = Duration::from_secs(2);

/// The connections.
#[derive(Clone)]
pub(super) struct Pool {
    target: Target,
    idle: Arc<Idle>,
    permits: Arc<Semaphore>,
}

/// Those that nobody uses.
#[derive(Default)]
pub(super) struct Idle(Mutex<Vec<Open>>);

impl Idle {
    pub(super) fn put(&self, open: Open) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(open);
    }

    /// The one that was used last: the others may be closed as idle.
    fn take(&self) -> Option<Open> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|open| !open.is_lost());
        idle.pop()
    }
}

impl Pool {
    pub(super) fn of(target: Target) -> Self {
        Self { target, idle: Arc::default(), permits: Arc::new(Semaphore::new(MOST)) }
    }

    /// A connection, which is the caller's until it is given back.
    pub(super) async fn take(&self) -> Result<Connection> {
        let permit = timeout(PATIENCE, Arc::clone(&self.permits).acquire_owned()).await;
        let busy = || StoreError::unavailable(format!("all {MOST} connections to PostgreSQL are in use"));
        let permit = permit.map_err(|_| busy())?.map_err(StoreError::unavailable)?;
        let open = match self.idle.take() {
            Some(open) => open,
            None => Open::to(&self.target).await?,
        };
        Ok(Connection::new(open, Arc::clone(&self.idle), permit))
    }

    /// A connection beside those of the pool.
    pub(super) async fn extra(&self) -> Result<Open> {
        Open::to(&self.target).await
    }
}
