//! The connections of a process: their number is bounded, and so is the wait for one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::connection::{Connection, Open, too_late};
use super::target::Target;
use crate::metadata::patience::left;
use crate::metadata::statistics::Statistics;
use crate::{Result, StoreError};

/// The most connections of one process. PostgreSQL allows a hundred by default, which is enough for several
/// processes.
const MOST: usize = 16;

/// How long to wait for a connection. The answer "try later" is better than an endless queue.
const PATIENCE: Duration = Duration::from_secs(2);

/// The connections of this process.
#[derive(Clone)]
pub(super) struct Pool {
    pub(super) statistics: Arc<Statistics>,
    target: Target,
    idle: Arc<Idle>,
    permits: Arc<Semaphore>,
}

/// The idle connections.
#[derive(Default)]
pub(super) struct Idle(Mutex<Vec<Open>>);

impl Idle {
    pub(super) fn put(&self, open: Open) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(open);
    }

    /// Takes the connection that was used last, so that the others can be closed as idle.
    fn take(&self) -> Option<Open> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|open| !open.is_lost());
        idle.pop()
    }
}

impl Pool {
    /// Closes the idle connections, after one of them turned out to be dead. The others probably are, too.
    pub(super) fn forget_idle(&self) {
        let mut idle = self.idle.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.drain(..).for_each(|open| open.give_up());
    }

    pub(super) fn of(target: Target) -> Self {
        Self {
            statistics: Arc::default(),
            target,
            idle: Arc::default(),
            permits: Arc::new(Semaphore::new(MOST)),
        }
    }

    /// Takes a connection, until `until` if there is such a limit. It belongs to the caller until it is given back.
    pub(super) async fn take(&self, until: Option<Instant>) -> Result<Connection> {
        let asked = Instant::now();
        let permit = timeout(left(until, PATIENCE), Arc::clone(&self.permits).acquire_owned()).await;
        self.statistics.turns.observe(asked.elapsed());
        let busy = || StoreError::unavailable(format!("all {MOST} connections to PostgreSQL are in use"));
        let permit = permit.map_err(|_| busy())?.map_err(StoreError::unavailable)?;
        let open = match self.idle.take() {
            Some(open) => open,
            None => {
                let opened = timeout(left(until, Duration::MAX), Open::to(&self.target)).await;
                opened.unwrap_or_else(|_| Err(too_late()))?
            }
        };
        Ok(Connection::new(open, Arc::clone(&self.idle), permit))
    }

    /// Opens a connection that is not counted in the pool.
    pub(super) async fn extra(&self) -> Result<Open> {
        Open::to(&self.target).await
    }
}
