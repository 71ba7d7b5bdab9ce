//! Metadata in an embedded SQLite database: write-ahead log, full sync.
//!
//! One thread owns the writing connection and commits whatever is waiting together ([`writer`]);
//! readers each borrow a connection of their own and never wait for it. Look-ups run on the calling
//! thread: they are a few microseconds of work in pages that are cached. What may take longer has threads
//! of its own ([`long_reads`]).
//!
//! `CROSS JOIN` in a statement fixes the order of the search (sqlite.org/optoverview.html, "Manual
//! Control Of Query Plans Using CROSS JOIN"): nobody counts the rows of this database for the
//! planner, and its guess about a recursion would be to read whole tables. A test reads the plans.

#[cfg(feature = "filling")]
mod filling;
mod giving_back;
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

use super::cache::Caches;
use super::engine::{Engine, Promise, Takes, Terms, Whose};
use super::store::Store;
use super::tx::Tx;
use crate::Result;
use crate::turns::Turns;

/// KiB of pages that the writer keeps, if there are as many: a commit looks into indexes that grow with the store.
const WRITER_CACHE: i64 = 8 << 10;

/// How long a lock that another process holds is waited for.
const BUSY: Duration = Duration::from_secs(5);

/// How many idle read connections are kept.
const IDLE_READERS: usize = 16;

/// The rows in an embedded database.
pub type Sqlite = Store<Embedded>;

/// The embedded database.
#[derive(Clone)]
pub struct Embedded {
    path: PathBuf,
    writer: Arc<Writer>,
    readers: Arc<Mutex<Vec<Connection>>>,
    caches: Arc<Caches>,
    /// Whose turn it is to read what may take longer than a few milliseconds: lists, pages of the audit trail, checks of
    /// everything.
    long_reads: Arc<Turns<Whose>>,
}

impl Sqlite {
    /// Opens the database file at `path`, making it and its tables if it is new, and upgrading it if its schema is an
    /// earlier one. Then it is kept beside, as it was.
    ///
    /// # Errors
    /// If the file cannot be opened or made, was written by a newer version of the program, or there is no space to
    /// upgrade it.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_or(path, |connection, schema| upgrade::run(path, connection, schema))
    }

    /// The same without an upgrade, for those who are no server: nobody should have a database upgraded by the way.
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
        // NORMAL would lose acknowledged commits on power loss.
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        start_log_anew(&connection)?;
        tune(&mut connection)?;
        // Negative: KiB, and not pages.
        connection.pragma_update(None, "cache_size", -WRITER_CACHE)?;
        let caches = Arc::<Caches>::default();
        let writer = Writer::spawn(connection, Arc::clone(&caches), MAX_BATCH)?;
        Ok(Self::new(Embedded::of(path, writer, caches)))
    }

    /// Opens the database of a server that may be running, to be read only: whatever would write is
    /// refused.
    ///
    /// # Errors
    /// If the file cannot be read, or was written by another version of the program.
    pub fn open_to_read(path: &Path) -> Result<Self> {
        // Another process writes, so nothing may be kept.
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

    /// Runs several statements in one read transaction.
    fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.read_one(|connection| {
            // Until the end, every statement sees the database as it was at the first.
            connection.prepare_cached("BEGIN")?.execute([])?;
            let result = query(connection);
            connection.prepare_cached("COMMIT")?.execute([])?;
            result
        })
    }

    /// Runs a single statement, which is a transaction by itself, on a connection of its own.
    fn read_one<T>(&self, query: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.open_reader()?,
        };
        let result = query(&connection);
        // One that is left in a transaction would see the past for ever.
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
        Terms { whose, takes, promise, .. }: Terms,
        rule: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let work = move |connection: &Connection| rule(&Transaction(connection));
        match promise {
            Promise::Durable => self.writer.write(whose, takes, work).await,
            Promise::Visible => self.writer.write_unsynced(whose, work).await,
        }
    }

    async fn give_back(&self) -> Result<bool> {
        self.give_pages_back().await
    }
}

fn tune(connection: &mut Connection) -> Result<()> {
    #[cfg(test)]
    tests::plans::watch(connection);
    connection.set_prepared_statement_cache_capacity(128);
    // Plans do not depend on what is bound to parameters. Otherwise SQLite takes the clearing of a kept
    // statement's parameters for a reason to parse and plan it anew, each time that it is used.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.busy_timeout(BUSY)?;
    Ok(())
}

/// Moves what an earlier run left in the log into the database, synced, and empties the log. Its last
/// sync may have failed: the kernel then shows pages that the disk does not have, and whatever was
/// committed behind them would be lost with them when the power goes.
fn start_log_anew(connection: &Connection) -> Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}
