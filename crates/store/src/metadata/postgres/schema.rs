//! The tables. The first process makes them, and each process checks their version.

use super::connection::Open;
use super::errors::explain;
use super::moving;
use super::pool::Pool;
use crate::metadata::migration::Move;
use crate::metadata::tx::Cell;
use crate::metadata::tx::Cells as _;
use crate::{Result, StoreError};

/// The schema version that this program knows. SQLite's has the same number.
pub(super) const VERSION: i64 = 7;

/// Takes the lock of processes that make or change tables, until the end of the transaction.
pub(super) const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('gangplank schema', 0))";

/// Tries to take the same lock.
pub(super) const TRY_LOCK: &str = "SELECT pg_try_advisory_xact_lock(hashtextextended('gangplank schema', 0))";

/// Makes the tables if there are none. A lock makes processes that start at the same time wait.
///
/// # Errors
/// [`StoreError::Unusable`] if the store is moving, or has moved.
pub(super) async fn make_if_missing(pool: &Pool) -> Result<()> {
    let open = pool.extra().await?;
    match make(&open, None).await? {
        Tables::Made => Ok(()),
        Tables::There => moving::refuse(&open).await,
    }
}

/// Whether the tables were there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tables {
    /// They were made now.
    Made,
    /// They were there before.
    There,
}

/// Makes the tables if there are none, in one transaction with the mark of a migration.
pub(super) async fn make(open: &Open, mark: Option<&Move>) -> Result<Tables> {
    // A process that changes the tables holds the lock for a long time. Servers start meanwhile.
    if let Some(found) = tables(open).await? {
        return require(found).map(|()| Tables::There);
    }
    open.order(&format!("BEGIN; {LOCK}")).await.map_err(|error| explain(&error))?;
    if let Some(found) = tables(open).await? {
        open.order("ROLLBACK").await.map_err(|error| explain(&error))?;
        return require(found).map(|()| Tables::There);
    }
    let make = format!(
        "{}{}
         INSERT INTO cluster (one, schema, oldest, generation, running, steady_time)
         VALUES (1, {VERSION}, {VERSION}, 0, 0, 0)",
        include_str!("schema.sql"),
        include_str!("shared.sql")
    );
    open.order(&make).await.map_err(|error| explain(&error))?;
    if let Some(mark) = mark {
        moving::set_state(open, mark).await?;
    }
    open.order("COMMIT").await.map_err(|error| explain(&error))?;
    Ok(Tables::Made)
}

/// Whether the database has none of our tables.
///
/// # Errors
/// [`StoreError::Unusable`] if it has our tables in another version.
pub(super) async fn is_empty(open: &Open) -> Result<bool> {
    tables(open).await?.map_or(Ok(true), |found| require(found).map(|()| false))
}

/// Refuses a database without tables, or with those of another version.
pub(super) async fn require_made(pool: &Pool) -> Result<()> {
    match tables(&pool.extra().await?).await? {
        Some(found) => require(found),
        None => Err(StoreError::unusable(
            "the database has no tables of gangplank: is its name right? The first server makes them",
        )),
    }
}

/// The tables of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Their schema.
    pub(super) schema: i64,
    /// The oldest schema of programs that may use them.
    pub(super) oldest: i64,
}

/// The schema of the tables; `None` if there are none.
pub(super) async fn tables(open: &Open) -> Result<Option<Found>> {
    let rows = open.query("SELECT to_regclass('cluster') IS NOT NULL", &[]).await?;
    if !rows.first().is_some_and(|row| row.cell(0).is_ok_and(|cell| cell == Cell::Integer(1))) {
        return Ok(None);
    }
    let rows = open.query("SELECT schema, oldest FROM cluster", &[]).await?;
    let row = rows.first().ok_or_else(|| StoreError::damaged("the table `cluster` has no row"))?;
    match (row.cell(0)?, row.cell(1)?) {
        (Cell::Integer(schema), Cell::Integer(oldest)) => Ok(Some(Found { schema, oldest })),
        _ => Err(StoreError::damaged("the row of the cluster")),
    }
}

/// Refuses tables that this program does not know. While servers are upgraded one after the other, earlier programs
/// use tables that were only extended.
fn require(found: Found) -> Result<()> {
    require_at(found, VERSION)
}

/// As above, for a program that knows the schema `known`.
pub(super) fn require_at(Found { schema, oldest }: Found, known: i64) -> Result<()> {
    if schema < known {
        return Err(StoreError::unusable(format!(
            "the database has schema {schema}, and this program knows schema {known}: run `gangplank database migrate`, \
             or start a server with --migrate; servers of the release before may go on meanwhile"
        )));
    }
    if oldest > known {
        return Err(StoreError::unusable(format!(
            "the database has schema {schema}, for programs of schema {oldest} and later, and this program knows schema \
             {known}; use a later program"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_extended_tables_of_later_programs_are_used() {
        let tables = |schema, oldest| require(Found { schema, oldest }).map_err(|error| error.to_string());
        assert_eq!(tables(VERSION, VERSION), Ok(()));
        assert_eq!(tables(VERSION + 1, VERSION), Ok(()));
        assert!(tables(VERSION + 1, VERSION + 1).unwrap_err().contains("use a later program"));
        assert!(tables(VERSION - 1, VERSION - 1).unwrap_err().contains("gangplank database migrate"));
    }
}
