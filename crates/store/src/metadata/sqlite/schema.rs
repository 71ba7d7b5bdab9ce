//! The schema of the database: one text for new databases, and the upgrade from earlier schemas.

use rusqlite::{Connection, Params};

use super::transaction::Transaction;
use crate::metadata::rules::holds::check;
use crate::metadata::rules::usage;
use crate::{Result, StoreError};

/// The schema version that this program knows. The file stores it as `user_version`.
pub(super) const VERSION: i64 = 7;

const NEW: &str = include_str!("schema/new.sql");
const FROM_3: &str = include_str!("schema/from-3.sql");

/// The version of a database, compared with the version of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has no tables yet.
    Empty,
    /// It has the schema of this program.
    Current,
    /// It has an earlier schema that can be upgraded.
    Earlier(Earlier),
}

/// An earlier schema that this program can upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Earlier {
    /// Schema 3: its tables have another meaning.
    Three,
    /// Schemas 4 to 6: tables and columns were added since, and one column of uploads was replaced.
    FourToSix,
}

/// Determines the version of a database.
///
/// # Errors
/// [`StoreError::Unusable`] if this program can neither use nor upgrade it.
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

/// The schema version of a database.
///
/// # Errors
/// If it cannot be read.
pub(super) fn of(connection: &Connection) -> Result<i64> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// The error for a database with another schema. It says what to do.
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

/// Makes the tables in an empty database. Its free pages can be returned later, a few at a time.
pub(super) fn create(connection: &mut Connection) -> Result<()> {
    // SQLite accepts this only before the first table.
    connection.pragma_update(None, "auto_vacuum", "incremental")?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(NEW)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

/// Fills new tables with the rows of a database of an earlier schema, which is attached as `old`.
pub(super) fn carry_over(connection: &mut Connection, earlier: Earlier) -> Result<()> {
    let transaction = connection.transaction()?;
    match earlier {
        Earlier::Three => {
            transaction.execute_batch(FROM_3)?;
            // Holds, contents and usage are computed again from the other rows. A wrong hold would keep garbage
            // for ever.
            let tx = Transaction(&transaction);
            check::mend_holds(&tx)?;
            check::mend_contents(&tx)?;
            usage::mend(&tx)?;
        }
        Earlier::FourToSix => {
            // A service refers to its deployments, and they refer to it. So no order of tables satisfies every
            // reference.
            transaction.pragma_update(None, "defer_foreign_keys", true)?;
            copy_rows(&transaction)?;
        }
    }
    Ok(transaction.commit()?)
}

/// New columns without a default, each with the expression over the earlier row that fills it. An upload used
/// its id as its content key. The new run does not trust the bytes of earlier uploads, so their checkpoint is
/// empty.
const FILLED: [(&str, &str, &str); 4] = [
    ("uploads", "key", "id"),
    ("uploads", "checkpoint", "x''"),
    ("uploads", "epoch", "0"),
    ("discarded", "discarded_at", "0"),
];

/// Copies every table of `old`, in those columns that both schemas have.
fn copy_rows(connection: &Connection) -> Result<()> {
    // Tables in the order in which they were made, so that a row comes after those that it refers to.
    // `sqlite_sequence`, which stores the highest numbers given out, comes last, because the inserts above
    // change it.
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
