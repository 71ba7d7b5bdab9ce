//! What containers print: lines in files, one folder for each container of a service.
//!
//! Logs are no promise: they are synced once a second at most, and rows know nothing of them. What is promised is that
//! no container waits for them, that they stay within their bounds, and that a line which is missing was counted.

mod event;
mod files;
mod lines;
mod page;
mod position;
mod queue;
mod shelf;
#[cfg(test)]
mod tests;
mod writer;

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use gangplank_core::{AccountId, LogFilter, Time};

use crate::Result;
use crate::reserve::Reserve;
use crate::turns::Turns;
use page::read;
use queue::Room;
use shelf::Shelf;
use writer::Desk;

pub use page::{LogPage, PageLimits, Wanted};
pub use position::Position;

/// How many bytes of a log are looked through for the last lines of a node.
const KEPT_LINES: u64 = 8 << 20;

/// Whose log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogName {
    /// The id of the service, unique for good.
    pub service: String,
    /// The container's name.
    pub container: String,
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it was taken, by the wall clock.
    pub at: Time,
    /// Which node printed it, such as `7-0`; empty for a line of the platform.
    pub node: String,
    /// The text.
    pub text: String,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogsKept {
    /// How long a line is kept.
    pub age: Duration,
    /// Bytes of one container's log.
    pub bytes: u64,
}

/// The logs of one server.
#[derive(Debug)]
pub struct Logs {
    root: PathBuf,
    kept: LogsKept,
    desk: Arc<Desk>,
    /// Started by the first line: a server on which nothing runs has none.
    thread: Mutex<Option<JoinHandle<()>>>,
    turns: Turns<AccountId>,
}

impl Logs {
    /// The logs in a folder, which is made with the first line. So many bytes of the disk are left free for the
    /// database.
    pub fn open(folder: PathBuf, kept: LogsKept, reserve: u64) -> Self {
        Self::with_room(folder, kept, reserve, Room::default())
    }

    fn with_room(root: PathBuf, kept: LogsKept, reserve: u64, room: Room) -> Self {
        let shelf = Shelf::new(root.clone(), kept, Reserve(reserve));
        let desk = Arc::new(Desk::new(room, shelf));
        Self { root, kept, desk, thread: Mutex::default(), turns: Turns::default() }
    }

    /// Adds a line, without blocking. If the lines that wait for the disk are too many the oldest of that log are
    /// dropped, and one that says how many takes their place. So it is with lines that cannot be written.
    pub fn append(&self, log: &LogName, line: &LogLine) {
        if files::folder_of(&self.root, log).is_some() && self.desk.add(log, line) {
            self.start();
        }
    }

    fn start(&self) {
        let desk = Arc::clone(&self.desk);
        match std::thread::Builder::new().name("logs".to_owned()).spawn(move || desk.work()) {
            Ok(thread) => *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread),
            Err(error) => {
                tracing::error!(%error, "cannot start the thread that writes the logs of containers");
                self.desk.has_no_thread();
            }
        }
    }

    /// Whether anything was added since the start: if not, there is nothing to flush.
    pub fn is_in_use(&self) -> bool {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Waits until every line that was added before is written and synced, or dropped. Blocks.
    pub fn flush(&self) {
        self.desk.flush(true);
    }

    /// How many lines were dropped since the start, of all logs: a counter that goes on.
    pub fn dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.desk.dropped)
    }

    /// Reads a page of a log, on a thread that may block; `None` if there is no such log (any more). Pages of one account
    /// are read one after the other.
    ///
    /// # Errors
    /// If the disk cannot be read.
    pub async fn page(&self, whose: &AccountId, log: &LogName, wanted: Wanted) -> Result<Option<LogPage>> {
        let Some(folder) = files::folder_of(&self.root, log) else { return Ok(None) };
        let desk = Arc::clone(&self.desk);
        let read = move || {
            // Whoever asks has seen what came out of a container, and wants to find it.
            desk.flush(false);
            let is_there = folder.try_exists()?;
            Ok(is_there.then(|| read(&folder, &wanted, |_| true)).transpose()?)
        };
        self.turns.run(whose.clone(), read).await
    }

    /// The last lines of one node in a log, at most `count`, the oldest first. Blocks.
    ///
    /// # Errors
    /// If the disk cannot be read.
    pub fn kept(&self, log: &LogName, node: &str, count: usize) -> Result<Vec<LogLine>> {
        let Some(folder) = files::folder_of(&self.root, log) else { return Ok(Vec::new()) };
        self.desk.flush(false);
        let limits = PageLimits { lines: count, bytes: usize::MAX, read: KEPT_LINES };
        let wanted = Wanted { start: None, end: None, filter: LogFilter::default(), from: None, limits };
        Ok(read(&folder, &wanted, |event| event.node == node)?.lines)
    }

    /// The ids of the services that have logs. Blocks.
    ///
    /// # Errors
    /// If the disk cannot be read.
    pub fn services(&self) -> Result<Vec<String>> {
        Ok(files::names_in(&self.root)?)
    }

    /// Removes all logs of a service; lines that still come are dropped. Blocks.
    ///
    /// # Errors
    /// If something cannot be removed. [`forget_old`](Self::forget_old) then tries again.
    pub fn remove_service(&self, service: &str) -> Result<()> {
        if !files::is_name(service) {
            return Ok(());
        }
        self.desk.forget(service);
        let left = self.desk.shelf().take_out(service)?;
        Ok(left.map_or(Ok(()), std::fs::remove_dir_all)?)
    }

    /// Removes what is older at `now` than is kept, and what a removal that was cut short has left. Blocks, and
    /// nobody else.
    ///
    /// # Errors
    /// If something cannot be removed. The rest is.
    pub fn forget_old(&self, now: Time) -> Result<()> {
        let before = now.minus(self.kept.age);
        let mut failed = Ok(());
        for leaving in Shelf::leaving(&self.root)? {
            failed = std::fs::remove_dir_all(leaving).and(failed);
        }
        for service in self.services()? {
            for container in files::names_in(&self.root.join(&service))? {
                let log = LogName { service: service.clone(), container };
                failed = self.desk.shelf().forget(&log, before).and(failed);
            }
        }
        Ok(failed?)
    }
}

impl Drop for Logs {
    /// Writes what was added.
    fn drop(&mut self) {
        self.desk.close();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A panic is told where it happens.
            let _ = thread.join();
        }
    }
}
