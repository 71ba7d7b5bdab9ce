//! The write-ahead log: when a commit syncs it, and when it is moved into the database.
//!
//! With `synchronous=FULL` a commit syncs the log, all of it, so it makes durable whatever was committed
//! before without a sync. With `NORMAL` a commit only writes. After a power cut SQLite takes the log up to
//! the first frame whose checksum, which goes on from those before it, does not fit: a commit that was
//! not synced is then lost or there, whole, and never without those before it. In both modes the log is
//! synced before it is moved into the database, and the database before the log begins anew
//! (`sqlite.org/pragma.html#pragma_synchronous`, `sqlite.org/wal.html`).
//!
//! SQLite would move it by itself inside of a commit, and pass over a sync that fails. That may be the first
//! sync to hear that what an earlier commit wrote is lost, and the next, which hears nothing, would call
//! it durable. So it is moved here, after the callers are answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::Promise;
use crate::metadata::sqlite::BUSY;

/// Pages of the log after which it is moved into the database.
const LONG: i32 = 1_000;

pub(super) struct Log {
    /// What the connection's commits promise.
    promise: Promise,
    /// How many pages were in the log after the last commit.
    pages: Arc<AtomicI32>,
}

impl Log {
    /// The log of a connection whose commits are synced.
    pub(super) fn of(connection: &mut Connection) -> rusqlite::Result<Self> {
        let pages = Arc::<AtomicI32>::default();
        let noted = Arc::clone(&pages);
        // Takes the place of the hook that moves the log inside of a commit.
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
            noted.store(pages, Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { promise: Promise::Durable, pages })
    }

    /// Before a transaction: what its commit is to promise.
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

    /// Moves the log into the database, and makes its file empty. While a reader needs it, it stays; nobody waits for
    /// that.
    pub(super) fn empty(connection: &Connection) -> rusqlite::Result<()> {
        connection.busy_timeout(Duration::ZERO)?;
        let emptied = connection.prepare_cached("PRAGMA wal_checkpoint(TRUNCATE)")?.query_row([], |_| Ok(()));
        connection.busy_timeout(BUSY)?;
        emptied
    }

    /// Moves the log into the database if it is long. What readers still need stays.
    pub(super) fn shorten(&self, connection: &Connection) -> rusqlite::Result<()> {
        if self.pages.load(Ordering::Relaxed) < LONG {
            return Ok(());
        }
        connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_row([], |_| Ok(()))
    }
}
