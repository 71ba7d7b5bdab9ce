//! A transaction of SQLite, for rules.

use gangplank_core::Time;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, params_from_iter};

use crate::metadata::tx::{Cell, Cells, Dialect, Level, Lock, Named, Read, ReadEach, Row, Tx, Value};
use crate::{Result, StoreError};

/// The transaction of a connection. There is one writer, so locking is not needed.
pub(super) struct Transaction<'c>(pub(super) &'c Connection);

impl Tx for Transaction<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn query(&self, text: &str, values: &[Value<'_>], read: Read<'_>) -> Result<()> {
        self.query_each(text, values.len(), values, &mut |_, row| read(row))
    }

    fn query_each(&self, text: &str, width: usize, values: &[Value<'_>], read: ReadEach<'_>) -> Result<()> {
        if let Some(insert) = numbering(text) {
            return self.insert_each(insert, width, values, read);
        }
        let mut statement = self.0.prepare_cached(text)?;
        for (at, values) in times(width, values).enumerate() {
            let mut rows = statement.query(params_from_iter(values))?;
            while let Some(row) = rows.next()? {
                read(at, &Row::new(row))?;
            }
        }
        Ok(())
    }

    fn execute(&self, text: &str, values: &[Value<'_>]) -> Result<u64> {
        Ok(self.0.prepare_cached(text)?.execute(params_from_iter(values))? as u64)
    }

    fn execute_each(&self, text: &str, width: usize, values: &[Value<'_>]) -> Result<u64> {
        let mut statement = self.0.prepare_cached(text)?;
        let mut changed = 0;
        for values in times(width, values) {
            changed += statement.execute(params_from_iter(values))? as u64;
        }
        Ok(changed)
    }

    fn execute_all(&self, texts: &[&str], values: &[Value<'_>]) -> Result<()> {
        texts.iter().try_for_each(|text| self.execute(text, values).map(drop))
    }

    fn lock_each(
        &self,
        _: (Level, Lock),
        text: &str,
        width: usize,
        values: &[Value<'_>],
        read: ReadEach<'_>,
    ) -> Result<()> {
        self.query_each(text, width, values, read)
    }

    fn lock_only(&self, _: (Level, Lock), _: &str, _: &[Value<'_>]) -> Result<()> {
        Ok(())
    }

    fn lock_named(&self, _: Named<'_>) -> Result<()> {
        Ok(())
    }

    fn steady(&self, now: Time) -> Result<Time> {
        Ok(now)
    }
}

impl Transaction<'_> {
    /// Runs an insertion as [`Tx::query_each`] does, and reads the number of each row that it inserts.
    fn insert_each(&self, text: &str, width: usize, values: &[Value<'_>], read: ReadEach<'_>) -> Result<()> {
        let mut statement = self.0.prepare_cached(text)?;
        for (at, values) in times(width, values).enumerate() {
            if statement.execute(params_from_iter(values))? > 0 {
                read(at, &Row::new(&Number(self.0.last_insert_rowid())))?;
            }
        }
        Ok(())
    }
}

/// The text of an insertion without its clause `RETURNING id`. For this clause SQLite would make and drop a table,
/// which takes longer than inserting a row. SQLite knows the number of the row anyway. `None` for any other statement.
fn numbering(text: &str) -> Option<&str> {
    let insert = text.strip_suffix("RETURNING id").filter(|text| text.starts_with("INSERT"))?;
    debug_assert!(!insert.contains("DO UPDATE"), "the number of an updated row is not known: {text}");
    Some(insert)
}

/// The number of a row that was inserted.
struct Number(i64);

impl Cells for Number {
    fn cell(&self, index: usize) -> Result<Cell<'_>> {
        if index > 0 {
            return Err(StoreError::damaged("an inserted row has only its number"));
        }
        Ok(Cell::Integer(self.0))
    }
}

/// Splits the values by runs of a statement. A statement without values runs once.
fn times<'v, 'a>(width: usize, values: &'v [Value<'a>]) -> impl Iterator<Item = &'v [Value<'a>]> {
    let once = (width == 0).then_some(values);
    once.into_iter().chain(values.chunks_exact(width.max(1)))
}

impl Cells for rusqlite::Row<'_> {
    fn cell(&self, index: usize) -> Result<Cell<'_>> {
        Ok(match self.get_ref(index)? {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(number) => Cell::Integer(number),
            ValueRef::Text(bytes) => Cell::Text(std::str::from_utf8(bytes).map_err(StoreError::damaged)?),
            ValueRef::Blob(bytes) => Cell::Bytes(bytes),
            ValueRef::Real(number) => Cell::Fraction(number),
        })
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null(_) => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Integer(number) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
            Self::Fraction(number) => ToSqlOutput::Borrowed(ValueRef::Real(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Self::Digest(digest) => ToSqlOutput::from(digest.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::tx::{Query, values};

    #[test]
    fn an_insertion_has_a_number_and_a_conflict_has_none() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT UNIQUE)").unwrap();
        let tx = &Transaction(&connection) as &dyn Tx;
        let text = "INSERT INTO things (name) VALUES (?1)
                    ON CONFLICT (name) DO NOTHING RETURNING id";
        let insert = |name| tx.find(&Query::<i64>::column(text, values![name])).unwrap();
        assert_eq!(["a", "b", "a", "c"].map(insert), [Some(1), Some(2), None, Some(3)]);
        let both = [Value::from("c"), Value::from("d")];
        let mut found = Vec::new();
        tx.query_each(text, 1, &both, &mut |at, row| {
            found.push((at, row.get::<i64>(0)?));
            Ok(())
        })
        .unwrap();
        assert_eq!(found, [(1, 4)]);
        assert!(!numbering(text).unwrap().contains("RETURNING"));
        assert_eq!(numbering("DELETE FROM things RETURNING id"), None);
    }
}
