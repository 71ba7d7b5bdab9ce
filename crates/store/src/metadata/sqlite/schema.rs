//! The schema of the database: one text for new ones, and how those of earlier schemas are carried over.

use rusqlite::{Connection, Params};

use super::transaction::Transaction;
use crate::metadata::rules::holds::check;
use crate::metadata::rules::usage;
use crate::{Result, StoreError};

/// The schema that this program knows, kept in the file as `user_version`.
pub(super) const VERSION: i64 = 7;

const NEW: &str = include_str!("schema/new.sql");
const FROM_3: &str = include_str!("schema/from-3.sql");

/// How a database stands to this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has no tables yet.
    Empty,
    /// It is as this program wants it.
    Current,
    /// It has a schema that can be carried over.
    Earlier(Earlier),
}

/// A schema that this program can carry over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Earlier {
    /// Tables mean something else now.
    Three,
    /// Tables and columns have been added since, and one that a blob store reads has another name.
    FourToSix,
}

/// Looks at a database.
///
/// # Errors
/// If it has a schema that this program neither knows nor can carry over.
pub(super) fn standing(connection: &Connection) -> Result<Standing> {
    let found = of(connection)?;
    match found {
        0 => Ok(Standing::Empty),
        VERSION => Ok(Standing::Current),
        3 => Ok(Standing::Earlier(Earlier::Three)),
        4..=6 => Ok(Standing::Earlier(Earlier::FourToSix)),
        _ => Err(unknown(found)),
    }
}

/// The schema of a database.
///
/// # Errors
/// If it cannot be read.
pub(super) fn of(connection: &Connection) -> Result<i64> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// A database of another schema, and what to do about it.
pub(super) fn unknown(found: i64) -> StoreError {
    let advice = match found {
        0 => "it is no database of gangplank's; restore it from a backup",
        3..VERSION => "start the server once with this program, which carries it over",
        found if found > VERSION => "use a newer gangplank",
        _ => "start the server once with a gangplank that knows it and is older than this one",
    };
    StoreError::unusable(format!(
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

/// Fills new tables from a database of an earlier schema, which is attached as `old`.
pub(super) fn carry_over(connection: &mut Connection, earlier: Earlier) -> Result<()> {
    let transaction = connection.transaction()?;
    match earlier {
        Earlier::Three => {
            transaction.execute_batch(FROM_3)?;
            // What the other rows say wins over what was noted of holds: a wrong one would let no collection come to
            // its end.
            let tx = Transaction(&transaction);
            check::mend_holds(&tx)?;
            check::mend_contents(&tx)?;
            usage::mend(&tx)?;
        }
        Earlier::FourToSix => {
            // A service names its deployments, and they name it: no order has each before the other.
            transaction.pragma_update(None, "defer_foreign_keys", true)?;
            copy_rows(&transaction)?;
        }
    }
    Ok(transaction.commit()?)
}

/// New columns that have no default, and the expression over an earlier row that fills them. The key of an upload's
/// content was its id; nobody vouches for its bytes in this run, so its checkpoint says nothing.
const FILLED: [(&str, &str, &str); 3] =
    [("uploads", "key", "id"), ("uploads", "checkpoint", "x''"), ("discarded", "discarded_at", "0")];

/// Copies each table of `old` with the columns that it has there and still has here.
fn copy_rows(connection: &Connection) -> Result<()> {
    // In the order in which they were made, so that what a row refers to is there before it. The table of numbers
    // that were given out comes last: it is made with the first table that counts, and rows above have filled it.
    let tables = texts(
        connection,
        "SELECT name FROM main.sqlite_schema
         WHERE type = 'table' AND name IN (SELECT name FROM old.sqlite_schema WHERE type = 'table')
         ORDER BY name = 'sqlite_sequence', rowid",
        [],
    )?;
    for table in tables {
        let columns = texts(
            connection,
            "SELECT name FROM pragma_table_info(?1, 'old')
             WHERE name IN (SELECT name FROM pragma_table_info(?1, 'main'))",
            [&table],
        )?;
        let filled =
            FILLED.iter().filter(|(of, name, _)| *of == table && !columns.iter().any(|it| it == name));
        let mut from = columns.clone();
        let mut to = columns.clone();
        for (_, name, value) in filled {
            to.push((*name).to_owned());
            from.push((*value).to_owned());
        }
        let (to, from) = (to.join(", "), from.join(", "));
        connection.execute_batch(&format!(
            "DELETE FROM main.{table}; INSERT INTO main.{table} ({to}) SELECT {from} FROM old.{table}"
        ))?;
    }
    Ok(())
}

fn texts(connection: &Connection, sql: &str, values: impl Params) -> Result<Vec<String>> {
    let mut select = connection.prepare(sql)?;
    let texts = select.query_map(values, |row| row.get(0))?;
    Ok(texts.collect::<rusqlite::Result<_>>()?)
}
