//! One end of a migration: a database file that is read, or a new one that is filled.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::schema::{self, Standing};
use super::transaction::Transaction;
use super::{BUSY, new_file};
use crate::metadata::tx::Tx;
use crate::{Result, durable_file};

/// Runs queries on one snapshot of a database file. Nothing is written.
///
/// # Errors
/// If the file cannot be read, or does not have the schema of this program.
pub(in crate::metadata) fn reading<T>(path: &Path, read: impl FnOnce(&dyn Tx) -> Result<T>) -> Result<T> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    if schema::standing(&connection)? != Standing::Current {
        return Err(schema::unknown(schema::of(&connection)?));
    }
    connection.execute_batch("BEGIN")?;
    read(&Transaction(&connection))
}

/// Makes a database file, and fills its empty tables. The file gets its name when it is complete and durable.
///
/// # Errors
/// If the file cannot be made, or `fill` fails. Then no file has the name.
pub(in crate::metadata) fn making<T>(path: &Path, fill: impl FnOnce(&dyn Tx) -> Result<T>) -> Result<T> {
    let mut filled = None;
    let unnamed = new_file::make_unnamed(path, |connection| {
        connection.pragma_update(None, "foreign_keys", true)?;
        let transaction = connection.transaction()?;
        filled = Some(fill(&Transaction(&transaction))?);
        Ok(transaction.commit()?)
    })?;
    durable_file::rename(&unnamed, path)?;
    filled.ok_or_else(|| schema::unknown(0))
}
