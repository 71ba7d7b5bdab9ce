//! The thread that writes. A caller that adds a line never waits for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::LogName;
use super::event::encode;
use super::queue::{Dropped, Pending, Queue, Room};
use super::shelf::{Shelf, Unwritten};
use crate::logs::LogLine;

/// Lines often come in groups. The thread waits this long after the first line, to write the others with it.
const CROWD: Duration = Duration::from_millis(20);

/// The pause after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// The least time between two syncs. A file without writes stays open at least this long.
const SYNC: Duration = Duration::from_secs(1);

/// The least time between two warnings that lines cannot be written.
const TELL: Duration = Duration::from_mins(1);

/// The longest wait of a flush. A slower disk is about to fail.
const PATIENCE: Duration = Duration::from_secs(10);

/// The state that the thread shares with its callers.
#[derive(Debug)]
pub(super) struct Desk {
    room: Room,
    lines: Mutex<Lines>,
    /// Wakes the thread.
    wake: Condvar,
    /// Wakes those who wait for the thread.
    done: Condvar,
    /// A caller that adds a line never takes this lock.
    shelf: Mutex<Shelf>,
    /// The number of dropped lines of all logs.
    pub(super) dropped: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Lines {
    queue: Queue,
    /// Whether the thread must write at once, without waiting for more lines.
    is_hurried: bool,
    /// Whether the next lines must be synced.
    wants_sync: bool,
    thread: Thread,
    /// How many batches the thread has begun, and the last one that it has finished.
    begun: u64,
    finished: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Thread {
    #[default]
    None,
    Works,
    /// The thread ends after the next batch.
    Ends,
}

/// The work of the thread for one round.
struct Batch {
    logs: HashMap<LogName, Pending>,
    wants_sync: bool,
    is_last: bool,
}

impl Desk {
    pub(super) fn new(room: Room, shelf: Shelf) -> Self {
        let (lines, wake, done) = <(Mutex<Lines>, Condvar, Condvar)>::default();
        Self { room, lines, wake, done, shelf: Mutex::new(shelf), dropped: Arc::default() }
    }

    /// Adds a line. `true` if there is no thread, and the caller has to start one.
    pub(super) fn add(&self, log: &LogName, line: &LogLine) -> bool {
        let encoded = encode(line);
        let mut lines = self.lines();
        let was_empty = lines.queue.is_empty();
        let (waiting, dropped) = lines.queue.add(self.room, log, line.at, encoded);
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
        if waiting > self.room.of_one / 4 && !lines.is_hurried {
            lines.is_hurried = true;
            self.wake.notify_one();
        } else if was_empty {
            self.wake.notify_one();
        }
        if lines.thread != Thread::None {
            return false;
        }
        lines.thread = Thread::Works;
        true
    }

    /// Records that no thread could be started. The next line tries again.
    pub(super) fn has_no_thread(&self) {
        self.lines().thread = Thread::None;
    }

    /// Waits until the lines so far are written, or written and synced. If writing fails, the wait ends as
    /// well.
    pub(super) fn flush(&self, with_sync: bool) {
        let mut lines = self.lines();
        if lines.thread == Thread::None {
            return;
        }
        let turn = lines.begun + 1;
        lines.is_hurried = true;
        lines.wants_sync |= with_sync;
        self.wake.notify_one();
        let is_waiting = |lines: &mut Lines| lines.finished < turn && lines.thread != Thread::None;
        drop(self.done.wait_timeout_while(lines, PATIENCE, is_waiting));
    }

    /// Drops the waiting lines of a service.
    pub(super) fn forget(&self, service: &str) {
        self.lines().queue.forget(service);
    }

    /// Lets the thread end after the waiting lines.
    pub(super) fn close(&self) {
        let mut lines = self.lines();
        if lines.thread == Thread::Works {
            (lines.thread, lines.is_hurried) = (Thread::Ends, true);
        }
        self.wake.notify_one();
    }

    pub(super) fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The loop of the thread.
    pub(super) fn work(&self) {
        let (mut synced, mut warned) = (Instant::now(), None);
        let (mut is_idle, mut has_failed) = (true, false);
        loop {
            let batch = self.next(is_idle, has_failed);
            let lost = self.write(batch.logs, &mut warned);
            has_failed = !lost.is_empty();
            if batch.wants_sync || batch.is_last || synced.elapsed() >= SYNC {
                let mut shelf = self.shelf();
                shelf.sync();
                shelf.close_idle();
                synced = Instant::now();
            }
            is_idle = !self.shelf().is_in_use();
            let mut lines = self.lines();
            lines.finished = lines.begun;
            if batch.is_last {
                // Lines that cannot be written now are lost.
                lines.thread = Thread::None;
                self.done.notify_all();
                return;
            }
            for (log, dropped) in lost {
                lines.queue.lost(log, dropped);
            }
            self.done.notify_all();
        }
    }

    /// Waits for work. If files are open, the wait ends at the next sync at the latest.
    fn next(&self, is_idle: bool, has_failed: bool) -> Batch {
        let mut lines = self.lines();
        let is_quiet = |lines: &mut Lines| lines.queue.is_empty() && !lines.is_hurried;
        if is_idle {
            lines = self.wake.wait_while(lines, is_quiet).unwrap_or_else(PoisonError::into_inner);
        } else {
            let waited = self.wake.wait_timeout_while(lines, SYNC, is_quiet);
            lines = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if !lines.queue.is_empty() {
            let pause = if has_failed { RETRY } else { CROWD };
            let waited = self.wake.wait_timeout_while(lines, pause, |lines| !lines.is_hurried);
            lines = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        lines.is_hurried = false;
        lines.begun += 1;
        Batch {
            logs: lines.queue.take(),
            wants_sync: std::mem::take(&mut lines.wants_sync),
            is_last: lines.thread == Thread::Ends,
        }
    }

    /// Writes the lines of a batch; returns those that could not be written.
    fn write(
        &self,
        logs: HashMap<LogName, Pending>,
        warned: &mut Option<Instant>,
    ) -> Vec<(LogName, Dropped)> {
        let mut lost = Vec::new();
        for (log, pending) in logs {
            // The lock is taken for each log again, so that other work on files can come between.
            let Err(Unwritten { untold, lost: now, error }) = self.shelf().write(&log, pending) else {
                continue;
            };
            if warned.is_none_or(|warned| warned.elapsed() >= TELL) {
                *warned = Some(Instant::now());
                tracing::warn!(
                    service = log.service, container = log.container, lines = now, %error,
                    "cannot write a container's log; its lines are dropped until that is possible again"
                );
            }
            self.dropped.fetch_add(now, Ordering::Relaxed);
            lost.extend(untold.map(|untold| (log, untold)));
        }
        lost
    }
}
