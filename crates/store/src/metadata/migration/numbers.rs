//! The numbers that a database has given out. No number is given out twice, even after its row was deleted. So
//! the highest number counts, and not the number of the newest row.

use super::shape::Table;
use crate::Result;
use crate::metadata::tx::{Dialect, Query, Tx, values};

/// Makes the target continue after the numbers that the source has given out.
pub(super) fn go_on(from: &dyn Tx, to: &dyn Tx, tables: &[Table]) -> Result<()> {
    for table in tables {
        let Some(column) = table.numbered() else { continue };
        let text = format!("SELECT coalesce(max({column}), 0) FROM {}", table.name);
        let highest: i64 = from.one(&Query::column(&text, []))?;
        let highest = highest.max(given_out(from, &table.name, column)?);
        if highest > 0 {
            set(to, &table.name, column, highest)?;
        }
    }
    Ok(())
}

/// The highest number that was given out, as far as the database records it.
fn given_out(from: &dyn Tx, table: &str, column: &str) -> Result<i64> {
    if from.dialect() == Dialect::Sqlite {
        let text = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?1";
        return from.one(&Query::column(text, values![table]));
    }
    let sequence = sequence(from, table, column)?;
    let text = format!("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}");
    from.one(&Query::column(&text, []))
}

fn set(to: &dyn Tx, table: &str, column: &str, highest: i64) -> Result<()> {
    if to.dialect() == Dialect::Sqlite {
        // Only tables that must not use a number again have a row in `sqlite_sequence`. A row of any other table
        // would have no effect.
        let is_noted =
            "SELECT count(*) FROM sqlite_schema WHERE name = ?1 AND sql LIKE '%PRIMARY KEY AUTOINCREMENT%'";
        if to.one::<i64>(&Query::column(is_noted, values![table]))? == 0 {
            return Ok(());
        }
        to.run("DELETE FROM sqlite_sequence WHERE name = ?1", values![table])?;
        to.run("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", values![table, highest])?;
        return Ok(());
    }
    let sequence = sequence(to, table, column)?;
    to.one::<i64>(&Query::column(
        "SELECT setval(CAST(CAST(?1 AS TEXT) AS regclass), ?2)",
        values![&sequence, highest],
    ))
    .map(drop)
}

/// The name of the sequence from which PostgreSQL takes the numbers of a column.
fn sequence(tx: &dyn Tx, table: &str, column: &str) -> Result<String> {
    let text = "SELECT pg_get_serial_sequence(CAST(?1 AS TEXT), CAST(?2 AS TEXT))";
    tx.one(&Query::column(text, values![table, column]))
}
