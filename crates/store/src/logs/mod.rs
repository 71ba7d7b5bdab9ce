//! The output of containers: lines in files, with a folder for each container of a service.
//!
//! A log is synced at most once a second, and no row refers to it. The promises are: no container waits for its
//! log, a log stays within its bounds, and every missing line is counted.

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
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::reserve::Reserve;
use crate::turns::Turns;
use page::read;
use queue::Room;
use shelf::Shelf;
use writer::Desk;

pub use page::{LogPage, PageLimits, Wanted};
pub use position::Position;

/// How many bytes of a log are searched for the last lines of a node.
const KEPT_LINES: u64 = 8 << 20;

/// The name of a log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogName {
    /// The permanent id of the service.
    pub service: String,
    /// The container's name.
    pub container: String,
}

/// The two output streams of a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pipe {
    /// Standard output; also what the platform says.
    #[default]
    Output,
    /// Standard error.
    Errors,
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When the line was received, by the wall clock.
    pub at: Time,
    /// The node that printed it, such as `7-0`; empty for a line of the platform.
    pub node: String,
    /// Where the node printed it.
    pub pipe: Pipe,
    /// The text.
    pub text: String,
}

/// The bounds of logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogsKept {
    /// How long a line is kept.
    pub age: Duration,
    /// The most bytes of one container's log.
    pub bytes: u64,
}

/// The logs of one server.
#[derive(Debug)]
pub struct Logs {
    root: PathBuf,
    kept: LogsKept,
    desk: Arc<Desk>,
    /// The first line starts the thread. A server without containers has no such thread.
    thread: Mutex<Option<JoinHandle<()>>>,
    turns: Turns<AccountId>,
}

impl Logs {
    /// The logs in a folder. The first line makes the folder. `reserve` bytes of the disk stay free for the
    /// database.
    pub fn open(folder: PathBuf, kept: LogsKept, reserve: u64) -> Self {
        Self::with_room(folder, kept, reserve, Room::default())
    }

    fn with_room(root: PathBuf, kept: LogsKept, reserve: u64, room: Room) -> Self {
        let shelf = Shelf::new(root.clone(), kept, Reserve(reserve));
        let desk = Arc::new(Desk::new(room, shelf));
        Self { root, kept, desk, thread: Mutex::default(), turns: Turns::default() }
    }

    /// Adds a line without blocking. If too many bytes wait for the disk, the oldest lines of this log are
    /// dropped. A line with their number takes their place. Lines that cannot be written are counted in the
    /// same way.
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

    /// Whether a line was added since the start. If not, a flush has nothing to do.
    pub fn is_in_use(&self) -> bool {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Waits until every line that was added before is written and synced, or dropped; at most ten seconds.
    /// Blocks.
    pub fn flush(&self) {
        self.desk.flush(true);
    }

    /// The number of lines that all logs have dropped since the start. The counter that is returned keeps
    /// counting.
    pub fn dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.desk.dropped)
    }

    /// Reads a page of a log on a thread that may block; `None` if there is no such log. Reads for one account
    /// run one after another.
    ///
    /// # Errors
    /// If the disk cannot be read.
    pub async fn page(&self, whose: &AccountId, log: &LogName, wanted: Wanted) -> Result<Option<LogPage>> {
        let Some(folder) = files::folder_of(&self.root, log) else { return Ok(None) };
        let desk = Arc::clone(&self.desk);
        let read = move || {
            // The caller may have seen a container answer, and expects its lines.
            desk.flush(false);
            let is_there = folder.try_exists()?;
            Ok(is_there.then(|| read(&folder, &wanted, |_| true)).transpose()?)
        };
        self.turns.run(whose.clone(), read).await
    }

    /// The last lines of one node, at most `count`, oldest first. Blocks.
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

    /// Removes all logs of a service. Lines that arrive later are dropped. Blocks.
    ///
    /// # Errors
    /// If something cannot be removed. [`forget_old`](Self::forget_old) tries again.
    pub fn remove_service(&self, service: &str) -> Result<()> {
        if !files::is_name(service) {
            return Ok(());
        }
        self.desk.forget(service);
        let left = self.desk.shelf().take_out(service)?;
        Ok(left.map_or(Ok(()), std::fs::remove_dir_all)?)
    }

    /// Removes files whose lines are all too old at `now`, and the rest of interrupted removals. Blocks, but
    /// delays no other call.
    ///
    /// # Errors
    /// If something cannot be removed. Everything else is removed.
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
    /// Writes the waiting lines.
    fn drop(&mut self) {
        self.desk.close();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // The panic itself was reported by its own thread.
            let _ = thread.join();
        }
    }
}
