//! Opens a database to fill it for a benchmark: fast, and without durability.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::schema::{self, Standing};
use super::writer::Writer;
use super::{Embedded, Sqlite, tune};
use crate::Result;
use crate::metadata::cache::Caches;

/// How many pieces of work go into one commit. Rows with random digests touch pages all over the indexes. In a
/// large commit each page is written once for several rows.
const BATCH: usize = 1 << 12;

/// The size of the page cache in KiB. It is so large that no page is written before its commit.
const PAGE_CACHE: i64 = 4 << 20;

impl Sqlite {
    /// Opens the database file at `path` to fill it with rows that can be made again. They are the rows that a
    /// server writes, but nothing is synced, and a crash leaves a broken file. No other process may have it
    /// open. After it is closed, [`Sqlite::open`] opens it like any other database.
    ///
    /// # Errors
    /// If the file cannot be opened or made, or has another schema.
    pub fn open_to_fill(path: &Path) -> Result<Self> {
        let mut connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "memory")?;
        connection.pragma_update(None, "synchronous", "off")?;
        connection.pragma_update(None, "cache_size", -PAGE_CACHE)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        match schema::standing(&connection)? {
            Standing::Empty => schema::create(&mut connection)?,
            Standing::Current => {}
            Standing::Earlier(_) => {
                let found = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
                return Err(schema::unknown(found));
            }
        }
        tune(&mut connection)?;
        let caches = Arc::<Caches>::default();
        let writer = Writer::spawn(connection, Arc::clone(&caches), BATCH)?;
        Ok(Self::new(Embedded::of(path, writer, caches)))
    }
}
