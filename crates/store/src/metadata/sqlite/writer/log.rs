//! The write-ahead log: when a commit syncs it, and when it is moved into the database.
//!
//! With `synchronous=FULL` a commit syncs the whole log, and so makes earlier unsynced commits durable, too.
//! With `NORMAL` a commit only writes. Each frame of the log has a checksum over all frames before it. After a
//! power cut SQLite reads up to the first wrong checksum. So an unsynced commit is either lost or complete, and
//! never there without the commits before it. In both modes SQLite syncs the log before it moves it into the
//! database, and syncs the database before the log starts again (`sqlite.org/pragma.html#pragma_synchronous`,
//! `sqlite.org/wal.html`).
//!
//! By default SQLite moves the log within a commit, and ignores a failing sync there. That sync may be the
//! first to report that an earlier commit is lost. The next sync would report nothing and call the data
//! durable. So this program moves the log itself, after the callers have their answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::Promise;
use crate::metadata::sqlite::BUSY;

/// At this many pages the log is moved into the database.
const LONG: i32 = 1_000;

pub(super) struct Log {
    /// The promise of the connection's present commits.
    promise: Promise,
    /// The pages in the log after the last commit.
    pages: Arc<AtomicI32>,
}

impl Log {
    /// The log of a connection that syncs its commits.
    pub(super) fn of(connection: &mut Connection) -> rusqlite::Result<Self> {
        let pages = Arc::<AtomicI32>::default();
        let noted = Arc::clone(&pages);
        // Replaces SQLite's own hook, which would move the log within a commit.
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
            noted.store(pages, Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { promise: Promise::Durable, pages })
    }

    /// Sets the promise of the next commit, before its transaction begins.
    pub(super) fn begin(&mut self, connection: &Connection, promise: Promise) -> rusqlite::Result<()> {
        if self.promise != promise {
            let synchronous = match promise {
                Promise::Durable => "full",
                Promise::Visible => "normal",
            };
            connection.pragma_update(None, "synchronous", synchronous)?;
            self.promise = promise;
        }
        Ok(())
    }

    /// Moves the log into the database and truncates its file. If a reader needs the log, it stays. Nobody
    /// waits for the reader.
    pub(super) fn empty(connection: &Connection) -> rusqlite::Result<()> {
        connection.busy_timeout(Duration::ZERO)?;
        let emptied = connection.prepare_cached("PRAGMA wal_checkpoint(TRUNCATE)")?.query_row([], |_| Ok(()));
        connection.busy_timeout(BUSY)?;
        emptied
    }

    /// Moves a long log into the database. The part that readers need stays.
    pub(super) fn shorten(&self, connection: &Connection) -> rusqlite::Result<()> {
        if self.pages.load(Ordering::Relaxed) < LONG {
            return Ok(());
        }
        connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_row([], |_| Ok(()))
    }
}
