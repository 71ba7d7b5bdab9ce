//! Writes lines into files, and removes old files.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use gangplank_core::Time;

use super::event::{encode, time_of};
use super::files::{Part, entries, folder_of, hour_of, names_in, parts_in};
use super::queue::{Dropped, Pending, first_line};
use super::{LogLine, LogName, LogsKept, Pipe};
use crate::durable_file::{make_folder, remove_if_there};
use crate::reserve::Reserve;
use crate::{Result, StoreError};

/// The most containers of one service with a log. Beyond that, the log that was written to longest ago is
/// removed.
const LOGS_OF_SERVICE: usize = 50;

/// A full log has about this many files, so that removing the oldest one loses little.
const PARTS: u64 = 8;

/// The most open files.
const OPEN: usize = 512;

/// How many removed services are remembered.
const REMOVED: usize = 4_096;

/// The prefix of folders that are being removed.
const LEAVING: &str = ".removed-";

/// The files of all logs.
#[derive(Debug)]
pub(super) struct Shelf {
    root: PathBuf,
    kept: LogsKept,
    pub(super) reserve: Reserve,
    tails: HashMap<LogName, Tail>,
    /// Removed services. Lines of them that arrive later are not written.
    removed: HashSet<String>,
}

/// The lines that could not be written.
#[derive(Debug)]
pub(super) struct Unwritten {
    /// The dropped lines that the log does not mention yet.
    pub(super) untold: Option<Dropped>,
    /// How many of them were dropped by this call.
    pub(super) lost: u64,
    pub(super) error: StoreError,
}

/// The end of a log that is being written.
#[derive(Debug)]
struct Tail {
    folder: PathBuf,
    part: Part,
    file: File,
    length: u64,
    /// The bytes of all files of the log.
    all: u64,
    needs_sync: bool,
    /// Whether it was written to since the last check.
    is_in_use: bool,
}

impl Shelf {
    pub(super) fn new(root: PathBuf, kept: LogsKept, reserve: Reserve) -> Self {
        Self { root, kept, reserve, tails: HashMap::new(), removed: HashSet::new() }
    }

    /// Writes the waiting lines of a log.
    ///
    /// # Errors
    /// [`Unwritten`] with the lines that are lost, and why.
    pub(super) fn write(&mut self, log: &LogName, pending: Pending) -> std::result::Result<(), Unwritten> {
        if self.removed.contains(&log.service) {
            return Ok(());
        }
        let (mut untold, mut lost, mut failure) = (None, 0, None);
        if let Some(dropped) = pending.dropped
            && let Err((_, error)) = self.write_all(log, hour_of(dropped.at), &told(dropped))
        {
            (untold, failure) = (Some(dropped), Some(error));
        }
        for run in &pending.runs {
            let mut left = run.lines();
            if failure.is_none() {
                match self.write_all(log, run.hour, left) {
                    Ok(()) => continue,
                    Err((rest, error)) => (left, failure) = (rest, Some(error)),
                }
            }
            if let Some(more) = counted(left) {
                lost += more.lines;
                untold = Some(untold.map_or(more, |dropped: Dropped| dropped.and(Some(more))));
            }
        }
        let Some(error) = failure else { return Ok(()) };
        // After any error, the next write opens the file again.
        self.tails.remove(log);
        Err(Unwritten { untold, lost, error })
    }

    /// Writes lines of one hour.
    ///
    /// # Errors
    /// The lines that are left, and why.
    fn write_all<'a>(
        &mut self,
        log: &LogName,
        hour: i64,
        mut lines: &'a [u8],
    ) -> std::result::Result<(), (&'a [u8], StoreError)> {
        while !lines.is_empty() {
            let written = self.write_some(log, hour, lines).map_err(|error| (lines, error))?;
            lines = &lines[written..];
        }
        Ok(())
    }

    /// Writes as many lines of an hour as fit into one file, at least one; returns how many bytes.
    fn write_some(&mut self, log: &LogName, hour: i64, lines: &[u8]) -> Result<usize> {
        let most = self.kept.bytes / PARTS;
        let is_open = self.tails.get(log).is_some_and(|tail| tail.part.hour == hour && tail.length < most);
        if !is_open {
            self.open(log, hour, most)?;
        }
        let Some(tail) = self.tails.get_mut(log) else { return Ok(lines.len()) };
        let room = usize::try_from(most.saturating_sub(tail.length)).unwrap_or(usize::MAX).min(lines.len());
        let size = lines[..room]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or_else(|| first_line(lines), |at| at + 1);
        let disk = rustix::fs::fstatvfs(&tail.file).map_err(io::Error::from)?;
        self.reserve.require(&disk, size as u64)?;
        if tail.all + size as u64 > self.kept.bytes {
            tail.shorten(self.kept.bytes.saturating_sub(size as u64))?;
        }
        if let Err(error) = (&tail.file).write_all(&lines[..size]) {
            // A torn line would swallow the next one. If cutting it off fails too, the next opening ends the
            // line.
            let _ = tail.file.set_len(tail.length);
            return Err(error.into());
        }
        tail.length += size as u64;
        tail.all += size as u64;
        (tail.needs_sync, tail.is_in_use) = (true, true);
        Ok(size)
    }

    /// Opens the file for the next lines of an hour.
    fn open(&mut self, log: &LogName, hour: i64, most: u64) -> Result<()> {
        let Some(folder) = folder_of(&self.root, log) else {
            return Err(StoreError::unusable(format!("no log can be named {:?}", log.container)));
        };
        self.tails.remove(log);
        if self.tails.len() >= OPEN
            && let Some(other) = self.tails.keys().next().cloned()
        {
            self.tails.remove(&other);
        }
        if !folder.exists() {
            self.make_way(log)?;
            make_folder(&folder)?;
        }
        let parts = parts_in(&folder)?;
        let all = parts.iter().map(|(_, length)| length).sum();
        let last = parts.iter().rfind(|(part, _)| part.hour == hour);
        let part = match last {
            Some((part, length)) if *length >= most => Part { hour, number: part.number + 1 },
            Some((part, _)) => *part,
            None => Part { hour, number: 0 },
        };
        let path = part.in_folder(&folder);
        let file = OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)?;
        let length = file.metadata()?.len();
        let mut tail = Tail { folder, part, file, length, all, needs_sync: false, is_in_use: true };
        tail.end_line()?;
        self.tails.insert(log.clone(), tail);
        Ok(())
    }

    /// Removes a log of a service if the service has no room for one more.
    fn make_way(&mut self, log: &LogName) -> Result<()> {
        let service = self.root.join(&log.service);
        let names = names_in(&service)?;
        if names.len() < LOGS_OF_SERVICE {
            return Ok(());
        }
        let last = |name: &String| parts_in(&service.join(name)).ok()?.last().map(|(part, _)| *part);
        if let Some(oldest) = names.iter().min_by_key(|name| last(name)) {
            self.tails.remove(&LogName { service: log.service.clone(), container: oldest.clone() });
            fs::remove_dir_all(service.join(oldest))?;
        }
        Ok(())
    }

    /// Syncs the written files. A failure is logged and not tried again.
    pub(super) fn sync(&mut self) {
        for (log, tail) in self.tails.iter_mut().filter(|(_, tail)| tail.needs_sync) {
            tail.needs_sync = false;
            if let Err(error) = tail.file.sync_data() {
                tracing::warn!(container = log.container, service = log.service, %error, "cannot sync a container's log");
            }
        }
    }

    /// Closes the files that were not written to since the last call.
    pub(super) fn close_idle(&mut self) {
        self.tails.retain(|_, tail| std::mem::take(&mut tail.is_in_use));
    }

    /// Whether files are open.
    pub(super) fn is_in_use(&self) -> bool {
        !self.tails.is_empty()
    }

    /// Hides the logs of a service for good by renaming their folder. Returns the folder that has to be
    /// removed.
    pub(super) fn take_out(&mut self, service: &str) -> io::Result<Option<PathBuf>> {
        if self.removed.len() >= REMOVED {
            self.removed.clear();
        }
        self.removed.insert(service.to_owned());
        self.tails.retain(|log, _| log.service != service);
        let leaving = self.root.join(format!("{LEAVING}{service}"));
        match fs::rename(self.root.join(service), &leaving) {
            Ok(()) => Ok(Some(leaving)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes the files whose lines are all older than `before`, and then empty folders.
    pub(super) fn forget(&mut self, log: &LogName, before: Time) -> io::Result<()> {
        let Some(folder) = folder_of(&self.root, log) else { return Ok(()) };
        let parts = parts_in(&folder)?;
        let (old, others): (Vec<_>, Vec<_>) = parts.into_iter().partition(|(part, _)| part.is_before(before));
        if old.iter().any(|(part, _)| self.tails.get(log).is_some_and(|tail| tail.part == *part)) {
            self.tails.remove(log);
        }
        for (part, length) in &old {
            remove_if_there(&part.in_folder(&folder))?;
            if let Some(tail) = self.tails.get_mut(log) {
                tail.all = tail.all.saturating_sub(*length);
            }
        }
        if others.is_empty() {
            remove_if_empty(&folder)?;
            remove_if_empty(&self.root.join(&log.service))?;
        }
        Ok(())
    }

    /// The folders of interrupted removals.
    pub(super) fn leaving(root: &Path) -> io::Result<Vec<PathBuf>> {
        let is_leaving =
            |entry: &fs::DirEntry| entry.file_name().to_str().is_some_and(|it| it.starts_with(LEAVING));
        Ok(entries(root)?.iter().filter(|entry| is_leaving(entry)).map(fs::DirEntry::path).collect())
    }
}

impl Tail {
    /// Ends a torn line, so that the next one begins on its own line.
    fn end_line(&mut self) -> io::Result<()> {
        let mut last = [b'\n'];
        if self.length > 0 {
            self.file.read_exact_at(&mut last, self.length - 1)?;
        }
        if last != [b'\n'] {
            self.file.write_all(b"\n")?;
            self.length += 1;
            self.all += 1;
        }
        Ok(())
    }

    /// Removes the oldest files until the log has at most `most` bytes, or only the file that is being written.
    fn shorten(&mut self, most: u64) -> io::Result<()> {
        let parts = parts_in(&self.folder)?;
        self.all = parts.iter().map(|(_, length)| length).sum();
        for (part, length) in parts.iter().filter(|(part, _)| *part != self.part) {
            if self.all <= most {
                break;
            }
            remove_if_there(&part.in_folder(&self.folder))?;
            self.all -= length;
        }
        Ok(())
    }
}

fn remove_if_empty(folder: &Path) -> io::Result<()> {
    match fs::remove_dir(folder) {
        Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => {
            Err(error)
        }
        _ => Ok(()),
    }
}

/// The line in a log that says how many lines were dropped.
fn told(dropped: Dropped) -> Vec<u8> {
    let lines = if dropped.lines == 1 { "line" } else { "lines" };
    let text = format!("{} {lines} dropped", dropped.lines);
    encode(&LogLine { at: dropped.at, node: String::new(), pipe: Pipe::Output, text })
}

/// The number of some encoded lines, and the time of the last one; `None` if there are none.
fn counted(lines: &[u8]) -> Option<Dropped> {
    let last = lines.split_inclusive(|byte| *byte == b'\n').next_back()?;
    let count = lines.split_inclusive(|byte| *byte == b'\n').count() as u64;
    Some(Dropped { lines: count, at: time_of(last).unwrap_or(Time(0)) })
}
