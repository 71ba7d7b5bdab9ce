//! The row that each process reads once a second: the generation of rights, the steady time, the oldest schema of
//! programs that may use the tables, changes of what runs, and the time of the database.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use gangplank_core::Time;
use rustix::time::{ClockId, Timespec, clock_gettime};
use tokio::sync::watch;
use tokio::time::timeout;

use super::connection::Open;
use super::pool::Pool;
use super::standing::{Standing, Trouble};
use crate::metadata::cache::Caches;
use crate::metadata::engine::Takes;
use crate::metadata::statistics::Statistics;
use crate::metadata::tx::{Cell, Cells as _};
use crate::{Cause, Result, StoreError};

/// The pause between two readings, and the longest time that one may take.
const EVERY: Duration = Duration::from_secs(1);

/// How long after the beginning of the last reading the caches may be used. So a right that was taken away is
/// gone in every process within this time plus the time of one reading.
const FRESH: Duration = Duration::from_secs(4);

/// A process that got no answer for this time should get no requests.
const OUT_OF_REACH: Duration = Duration::from_secs(10);

const READ: &str =
    "SELECT generation, steady_time, oldest, running, CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)
    FROM cluster";

/// The numbers that a process has read, and its caches.
pub(super) struct Shared {
    pub(super) caches: Caches,
    generation: AtomicI64,
    running: watch::Sender<i64>,
    steady: AtomicI64,
    /// The last answered reading.
    read: Mutex<Option<Read>>,
    standing: Standing,
    retries: AtomicU64,
    statistics: Arc<Statistics>,
}

/// An answered reading of the row.
#[derive(Clone, Copy)]
struct Read {
    began: Moment,
    /// The database's time.
    time: Time,
}

/// A moment by two clocks. One of them stops while the machine sleeps or is moved to another, and the other may
/// be set. If either says that a reading is old, it counts as old.
#[derive(Clone, Copy)]
struct Moment {
    since_boot: Timespec,
    of_the_day: SystemTime,
}

impl Moment {
    fn now() -> Self {
        // This clock also counts the time in which the machine sleeps.
        Self { since_boot: clock_gettime(ClockId::Boottime), of_the_day: SystemTime::now() }
    }

    /// How long ago this moment was.
    fn elapsed(self) -> Duration {
        self.since_boot().max(self.of_the_day.elapsed().unwrap_or_default())
    }

    /// How long ago it was by the clock that nobody can set.
    fn since_boot(self) -> Duration {
        let now = clock_gettime(ClockId::Boottime);
        let since = now.checked_sub(self.since_boot).and_then(|it| Duration::try_from(it).ok());
        since.unwrap_or_default()
    }
}

impl Shared {
    /// Reads the numbers, and keeps reading them in the background until the last reference is dropped.
    pub(super) async fn watch(pool: &Pool) -> Result<Arc<Self>> {
        let open = pool.extra().await?;
        let shared = Arc::new(Self {
            caches: Caches::default(),
            generation: AtomicI64::new(0),
            running: watch::Sender::new(0),
            steady: AtomicI64::new(0),
            read: Mutex::default(),
            standing: Standing::default(),
            retries: AtomicU64::new(0),
            statistics: Arc::clone(&pool.statistics),
        });
        shared.look(&open).await?;
        tokio::spawn(go_on(Arc::downgrade(&shared), pool.clone(), open));
        Ok(shared)
    }

    async fn look(&self, open: &Open) -> Result<()> {
        let (began, asked) = (Moment::now(), Instant::now());
        let rows = open.query(READ, &[]).await?;
        let row = rows.first().ok_or_else(|| StoreError::damaged("the table `cluster` has no row"))?;
        let number = |column| match row.cell(column)? {
            Cell::Integer(number) => Ok(number),
            _ => Err(StoreError::damaged("the row of the cluster")),
        };
        let (generation, steady) = (number(0)?, number(1)?);
        if self.generation.swap(generation, Ordering::AcqRel) != generation {
            self.caches.close(Takes::Rights);
            self.caches.open(Takes::Rights);
        }
        self.steady.store(steady, Ordering::Release);
        let (running, time) = (number(3)?, number(4)?);
        self.running.send_if_modified(|before| std::mem::replace(before, running) != running);
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(Read { began, time: Time(time) });
        self.standing.note(number(2)?, time, began.of_the_day, SystemTime::now());
        self.statistics.polled(asked);
        self.statistics.clock_is_ahead(-self.standing.clock_ahead());
        Ok(())
    }

    /// Whether the caches may be used.
    pub(super) fn is_fresh(&self) -> bool {
        self.age() < FRESH
    }

    /// How long ago the last answered reading began.
    pub(super) fn age(&self) -> Duration {
        let read = *self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.map_or(Duration::MAX, |read| read.began.elapsed())
    }

    /// Whether the database was reached within the last seconds.
    pub(super) fn is_healthy(&self) -> bool {
        self.age() < OUT_OF_REACH
    }

    /// Why this process should get no requests; `None` if it may get some.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        if self.is_healthy() { self.standing.trouble() } else { Some(Trouble::OutOfReach) }
    }

    /// The number that grows whenever services, their deployments or places change.
    pub(super) fn running(&self) -> watch::Receiver<i64> {
        self.running.subscribe()
    }

    /// The database's time. Only the time since the last reading comes from this machine, and setting its clock
    /// does not change that time.
    pub(super) fn time(&self) -> Time {
        let read = *self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.map_or(Time(0), |Read { began, time }| time.plus(began.since_boot()))
    }

    /// The steady time as it was read last, however long ago that was. So nothing looks older than it is.
    /// `None` until a server has advanced it.
    pub(super) fn steady(&self) -> Option<Time> {
        Some(Time(self.steady.load(Ordering::Acquire))).filter(|time| *time > Time(0))
    }

    /// Records a steady time that was read otherwise.
    pub(super) fn note_steady(&self, time: Time) {
        self.steady.fetch_max(time.0, Ordering::AcqRel);
    }

    /// How many transactions ran again.
    #[cfg(test)]
    pub(super) fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// Counts a transaction that runs again.
    pub(super) fn retried(&self, error: &Cause) {
        self.retries.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(%error, "a transaction is run again");
    }
}

async fn go_on(shared: Weak<Shared>, pool: Pool, mut open: Open) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(shared) = shared.upgrade() else { return };
        if open.is_lost() {
            match timeout(EVERY, pool.extra()).await {
                Ok(Ok(again)) => open = again,
                _ => continue,
            }
        }
        if !matches!(timeout(EVERY, shared.look(&open)).await, Ok(Ok(()))) {
            open.give_up();
            // The other connections of the pool probably are as dead as this one.
            pool.forget_idle();
        }
    }
}
