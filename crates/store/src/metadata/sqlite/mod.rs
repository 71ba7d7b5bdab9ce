//! Metadata in an embedded SQLite database with a write-ahead log and full sync.
//!
//! One thread owns the writing connection. It commits all waiting work together ([`writer`]). Each reader
//! borrows its own connection and never waits for the writer. Short lookups run on the calling thread: they
//! need a few microseconds in cached pages. Longer reads have separate threads (`long_reads`).
//!
//! `CROSS JOIN` in a statement fixes the order of the search (sqlite.org/optoverview.html, "Manual Control Of
//! Query Plans Using CROSS JOIN"). The planner has no statistics of this database, and would guess to read
//! whole tables. A test checks the plans.

#[cfg(feature = "filling")]
mod filling;
mod giving_back;
pub(super) mod moving;
mod new_file;
mod schema;
mod snapshot;
#[cfg(test)]
pub(super) mod tests;
mod transaction;
mod upgrade;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use schema::{Earlier, Standing};
use transaction::Transaction;
use writer::{MAX_BATCH, Writer};

pub use snapshot::{RootKey, Snapshot};

use super::Metadata;
use super::cache::Caches;
use super::engine::{Engine, Takes, Terms, Whose};
use super::erased::erase;
use super::statistics::Statistics;
use super::store::Store;
use super::tx::Tx;
use crate::Result;
use crate::turns::Turns;

/// The page cache of the writer in KiB. A commit searches indexes that grow with the store.
const WRITER_CACHE: i64 = 8 << 10;

/// How long to wait for a lock of another process.
const BUSY: Duration = Duration::from_secs(5);

/// How many idle read connections are kept.
const IDLE_READERS: usize = 16;

/// The store of rows in an embedded database.
pub type Sqlite = Store<Embedded>;

/// The embedded database.
#[derive(Clone)]
pub struct Embedded {
    path: PathBuf,
    writer: Arc<Writer>,
    readers: Arc<Mutex<Vec<Connection>>>,
    caches: Arc<Caches>,
    /// Gives accounts turns for reads that may take more than a few milliseconds: lists, pages of the audit
    /// trail, checks of everything.
    long_reads: Arc<Turns<Whose>>,
}

impl Sqlite {
    /// Opens the database file at `path`. A new file gets its tables. An earlier schema is upgraded, and the
    /// earlier file stays beside the new one.
    ///
    /// # Errors
    /// If the file cannot be opened or made, if it was written by a newer version of the program, or if there
    /// is no space for the upgrade.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_or(path, |connection, schema| upgrade::run(path, connection, schema))
    }

    /// Opens the database as [`open`](Self::open) does, but never upgrades it. For commands other than the
    /// server: they should not upgrade a database as a side effect.
    ///
    /// # Errors
    /// If the file cannot be opened or made, or was written by another version of the program.
    pub fn open_at_this_schema(path: &Path) -> Result<Self> {
        Self::open_or(path, |connection, _| Err(schema::unknown(schema::of(&connection)?)))
    }

    fn open_or(path: &Path, upgrade: impl FnOnce(Connection, Earlier) -> Result<()>) -> Result<Self> {
        new_file::make_if_missing(path)?;
        let mut connection = Connection::open(path)?;
        match schema::standing(&connection)? {
            Standing::Current => {}
            Standing::Empty => return Err(schema::unknown(0)),
            Standing::Earlier(schema) => {
                upgrade(connection, schema)?;
                connection = Connection::open(path)?;
            }
        }
        connection.pragma_update(None, "journal_mode", "wal")?;
        // With NORMAL a power cut could lose acknowledged commits.
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        start_log_anew(&connection)?;
        tune(&mut connection)?;
        // A negative number means KiB. A positive one would mean pages.
        connection.pragma_update(None, "cache_size", -WRITER_CACHE)?;
        let caches = Arc::<Caches>::default();
        let writer = Writer::spawn(connection, Arc::clone(&caches), MAX_BATCH)?;
        Ok(Self::new(Embedded::of(path, writer, caches)))
    }

    /// The same rows behind a trait, for callers to whom the kind of database does not matter.
    pub fn metadata(&self) -> Arc<dyn Metadata> {
        erase(self)
    }

    /// Opens the database of a server that may be running. It can only be read: every write is refused.
    ///
    /// # Errors
    /// If the file cannot be read, or was written by another version of the program.
    pub fn open_to_read(path: &Path) -> Result<Self> {
        // Another process may write, so the caches stay closed.
        let caches = Arc::<Caches>::default();
        caches.close(Takes::Rights);
        let database = Embedded::of(path, Writer::refusing(), caches);
        let found: i64 = database
            .read(|connection| Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?))?;
        if found != schema::VERSION {
            return Err(schema::unknown(found));
        }
        Ok(Self::new(database))
    }
}

impl Embedded {
    fn of(path: &Path, writer: Writer, caches: Arc<Caches>) -> Self {
        Self {
            path: path.to_owned(),
            writer: Arc::new(writer),
            readers: Arc::default(),
            caches,
            long_reads: Arc::default(),
        }
    }

    /// Runs several statements on one snapshot.
    fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.read_one(|connection| {
            // Until the end, every statement sees the database as it was at the first one.
            connection.prepare_cached("BEGIN")?.execute([])?;
            let result = query(connection);
            connection.prepare_cached("COMMIT")?.execute([])?;
            result
        })
    }

    /// Runs a single statement on its own connection. The statement is a transaction by itself.
    fn read_one<T>(&self, query: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.open_reader()?,
        };
        let result = query(&connection);
        // A connection with an open transaction would see the same old snapshot for ever.
        if connection.is_autocommit() {
            let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
            if readers.len() < IDLE_READERS {
                readers.push(connection);
            }
        }
        result
    }

    fn open_reader(&self) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.path, flags)?;
        tune(&mut connection)?;
        Ok(connection)
    }
}

impl Engine for Embedded {
    fn is_healthy(&self) -> bool {
        self.writer.is_healthy()
    }

    fn statistics(&self) -> Arc<Statistics> {
        self.writer.statistics()
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    fn caches(&self) -> Option<&Caches> {
        Some(&self.caches)
    }

    async fn read_one<T: Send>(&self, query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync) -> Result<T> {
        self.read_one(|connection| query(&Transaction(connection)))
    }

    async fn read<T: Send>(&self, query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync) -> Result<T> {
        self.read(|connection| query(&Transaction(connection)))
    }

    async fn read_long<T: Send + 'static>(
        &self,
        whose: Whose,
        query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let database = self.clone();
        let work = move || database.read(|connection| query(&Transaction(connection)));
        self.long_reads.run(whose, work).await
    }

    async fn write<T: Send + 'static>(
        &self,
        terms: Terms,
        rule: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let work = move |connection: &Connection| rule(&Transaction(connection));
        self.writer.write(terms, work).await
    }

    async fn give_back(&self) -> Result<bool> {
        self.give_pages_back().await
    }
}

fn tune(connection: &mut Connection) -> Result<()> {
    #[cfg(test)]
    tests::plans::watch(connection);
    connection.set_prepared_statement_cache_capacity(128);
    // Makes plans independent of bound parameters. Otherwise SQLite parses and plans a cached statement again at
    // each use, because its parameters were cleared in between.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.busy_timeout(BUSY)?;
    Ok(())
}

/// Moves the log of an earlier run into the database, with syncs, and empties it. The last sync of that run may
/// have failed. Then the kernel shows pages that are not on the disk, and later commits would be lost with them
/// in a power cut.
fn start_log_anew(connection: &Connection) -> Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}
