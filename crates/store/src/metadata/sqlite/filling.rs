//! A database made for a benchmark to measure, fast and without any promise.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::schema::{self, Standing};
use super::writer::Writer;
use super::{Embedded, Sqlite, tune};
use crate::Result;
use crate::metadata::cache::Caches;

/// Pieces of work in one commit. Rows of random digests go into pages all over the indexes, and with so
/// many of them each of those pages is written once for several rows.
const BATCH: usize = 1 << 12;

/// KiB of pages kept, so that none is written before its commit.
const PAGE_CACHE: i64 = 4 << 20;

impl Sqlite {
    /// Opens the database file at `path` to fill it with rows that can be made again: the rows are those
    /// that a server writes, but nothing is synced, and a crash leaves a broken file. Nobody else may have
    /// it open. Closed, and then opened by [`Sqlite::open`], it is like any other.
    ///
    /// # Errors
    /// If the file cannot be opened or made, or was written by a newer version of the program.
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
