//! The schema of the database: one text for new ones, and one that carries over those of the schema before.

use rusqlite::Connection;

use super::holds::check;
use super::usage;
use crate::{Result, StoreError};

/// The schema that this program knows, kept in the file as `user_version`.
pub(super) const VERSION: i64 = 4;

/// The schema that this program can carry over.
pub(super) const EARLIER: i64 = 3;

const NEW: &str = include_str!("schema/new.sql");
const FROM_EARLIER: &str = include_str!("schema/from-3.sql");

/// How a database stands to this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has no tables yet.
    Empty,
    /// It is as this program wants it.
    Current,
    /// It has the schema before, which can be carried over.
    Earlier,
}

/// Looks at a database.
///
/// # Errors
/// If it has a schema that this program neither knows nor can carry over.
pub(super) fn standing(connection: &Connection) -> Result<Standing> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match found {
        0 => Ok(Standing::Empty),
        VERSION => Ok(Standing::Current),
        EARLIER => Ok(Standing::Earlier),
        _ => Err(unknown(found)),
    }
}

/// A database of another schema, and what to do about it.
pub(super) fn unknown(found: i64) -> StoreError {
    let advice = match found {
        0 => "it is no database of gangplank's; restore it from a backup",
        EARLIER => "start the server once with this program, which carries it over",
        found if found > VERSION => "use a newer gangplank",
        _ => "start the server once with a gangplank that knows it and is older than this one",
    };
    StoreError::Unusable(format!(
        "the database has schema {found}, and this program knows schema {VERSION}: {advice}"
    ))
}

/// Makes the tables in an empty database. Pages that become free can be given back later, a few at a time.
pub(super) fn create(connection: &mut Connection) -> Result<()> {
    // Only before the first table.
    connection.pragma_update(None, "auto_vacuum", "incremental")?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(NEW)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

/// Fills new tables from a database of the schema before, which is attached as `old`. What the other rows say wins
/// over what was noted of holds: a wrong one would let no collection come to its end.
pub(super) fn carry_over(connection: &mut Connection) -> Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(FROM_EARLIER)?;
    check::mend_holds(&transaction)?;
    check::mend_contents(&transaction)?;
    usage::mend(&transaction)?;
    Ok(transaction.commit()?)
}
