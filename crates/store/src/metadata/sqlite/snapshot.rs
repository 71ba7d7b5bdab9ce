//! A copy of a database at one moment, in a separate file, for backups. Its schema may be an earlier one,
//! because an operator makes a backup before an upgrade.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use gangplank_core::AccessKeyId;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::BUSY;
use super::new_file::beside;
use super::schema::{self, Standing};
use super::transaction::Transaction;
use crate::blobs::ContentKey;
use crate::metadata::inspection::{ContentTotals, KeptContent};
use crate::metadata::progress::Mark;
use crate::metadata::rules::{inspection, progress, rows};
use crate::{Result, StoreError, durable_file};

/// The pause before a locked database is tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// A root key, as its row says.
#[derive(Clone, Debug)]
pub struct RootKey {
    /// Its id.
    pub id: AccessKeyId,
    /// Its secret, sealed with the master key.
    pub sealed_secret: Vec<u8>,
}

/// The rows of a database, for programs other than the server.
#[derive(Debug)]
pub struct Snapshot {
    connection: Connection,
    schema: i64,
}

impl Snapshot {
    /// Reads a database in its place. Its server may be running. Each call sees the rows of that moment.
    ///
    /// # Errors
    /// If it cannot be read, or was written by a newer version of the program.
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Self::of(Connection::open_with_flags(path, flags)?)
    }

    /// Copies this database, as it is at one moment, to the file `to` and replaces that file. The copy is
    /// complete and synced, with mode 0600. It contains no open uploads and no discarded keys, since a backup
    /// does not contain their bytes.
    ///
    /// # Errors
    /// If a file cannot be read or written. Then nothing is left at `to`.
    pub fn copy_to(&self, to: &Path) -> Result<()> {
        self.copy(to).inspect_err(|_| {
            // The unfinished copy may fill the disk.
            let _ = remove(to);
        })
    }

    fn copy(&self, to: &Path) -> Result<()> {
        remove(to)?;
        let file = durable_file::create_new(to, 0o600)?;
        let mut copy = Connection::open(to)?;
        copy.pragma_update(None, "synchronous", "off")?;
        let began = Instant::now();
        let backup = Backup::new(&self.connection, &mut copy)?;
        // A single step copies the database as it is at one moment. With several steps, every commit of the server
        // would start the copy again.
        loop {
            match backup.step(-1)? {
                StepResult::Done => break,
                _ if began.elapsed() > BUSY => {
                    return Err(StoreError::unavailable("the database is locked".to_owned()));
                }
                _ => thread::sleep(PAUSE),
            }
        }
        drop(backup);
        // The copy must be a single file without a log.
        copy.pragma_update(None, "journal_mode", "delete")?;
        // The table `upload_keys` exists since schema 7.
        let keys = if self.schema < 7 { "" } else { "DELETE FROM upload_keys;" };
        copy.execute_batch(&format!("BEGIN; {keys} DELETE FROM uploads; DELETE FROM discarded; COMMIT"))?;
        copy.close().map_err(|(_, error)| error)?;
        Ok(file.sync_all()?)
    }

    /// Marks these contents as damaged, because their bytes are missing. The next push of them brings new
    /// bytes.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn mark_damaged(path: &Path, keys: &[ContentKey]) -> Result<()> {
        let mut connection = Connection::open(path)?;
        let transaction = connection.transaction()?;
        for key in keys {
            transaction.execute("UPDATE blobs SET damaged = 1 WHERE key = ?1", [key.as_str()])?;
        }
        Ok(transaction.commit()?)
    }

    fn of(connection: Connection) -> Result<Self> {
        connection.busy_timeout(BUSY)?;
        let schema = schema::of(&connection)?;
        match schema::standing(&connection)? {
            Standing::Empty => Err(schema::unknown(schema)),
            Standing::Current | Standing::Earlier(_) => Ok(Self { connection, schema }),
        }
    }

    /// The schema version of the database.
    pub fn schema(&self) -> i64 {
        self.schema
    }

    /// At most `limit` contents after the row `after`, in the order of their rows.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn contents(&self, after: i64, limit: usize) -> Result<Vec<KeptContent>> {
        inspection::contents(&Transaction(&self.connection), after, limit)
    }

    /// The content with this key; `None` if no row has it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn content(&self, key: &ContentKey) -> Result<Option<KeptContent>> {
        inspection::content(&Transaction(&self.connection), key)
    }

    /// The number and the size of all contents.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn totals(&self) -> Result<ContentTotals> {
        inspection::totals(&Transaction(&self.connection), 0)
    }

    /// The number that the database shares with its folder of bytes; `None` if it has none yet.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn folder_number(&self) -> Result<Option<i64>> {
        self.mark(Mark::ContentFolder)
    }

    /// Whether the bytes are in a bucket and not in a folder.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn is_in_bucket(&self) -> Result<bool> {
        Ok(self.mark(Mark::ContentBucket)?.is_some())
    }

    fn mark(&self, mark: Mark) -> Result<Option<i64>> {
        let sql = "SELECT value FROM progress WHERE name = ?1";
        Ok(self.connection.query_row(sql, [progress::name(mark)], |row| row.get(0)).optional()?)
    }

    /// The enabled root keys, oldest first.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn root_keys(&self) -> Result<Vec<RootKey>> {
        self.keys("WHERE is_root = 1 AND enabled = 1 ORDER BY created_at, id")
    }

    /// Any access key, to check whether a master key is the right one; `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn some_key(&self) -> Result<Option<RootKey>> {
        Ok(self.keys("ORDER BY id LIMIT 1")?.pop())
    }

    fn keys(&self, which: &str) -> Result<Vec<RootKey>> {
        let sql = format!("SELECT id, sealed_secret FROM access_keys {which}");
        let mut select = self.connection.prepare(&sql)?;
        let keys = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        let read = |key: rusqlite::Result<(String, Vec<u8>)>| {
            let (id, sealed_secret) = key?;
            Ok(RootKey { id: rows::access_key_id(&id)?, sealed_secret })
        };
        keys.map(read).collect()
    }
}

/// Deletes a database file, and the files that SQLite may have left beside it.
fn remove(path: &Path) -> Result<()> {
    for ending in ["", "-journal", "-wal", "-shm"] {
        durable_file::remove_if_there(&beside(path, ending))?;
    }
    Ok(())
}
