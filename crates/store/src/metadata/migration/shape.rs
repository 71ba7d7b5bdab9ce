//! The tables that both databases have, as they say themselves.

use std::collections::BTreeMap;

use super::field::Content;
use crate::metadata::tx::{Dialect, Query, Tx};
use crate::{Result, StoreError};

/// Tables whose rows are not moved. The bytes that these rows name are not moved either.
pub(super) const STAY: [&str; 3] = ["uploads", "upload_keys", "discarded"];

/// Columns that refer to later tables. They stay null until the later tables have their rows.
const LATER: [(&str, &str); 2] = [("services", "current_version"), ("services", "next_version")];

/// A table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// The columns of its primary key, in their order.
    pub(super) key: Vec<usize>,
}

/// A column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) content: Content,
    /// Whether it refers to a table that comes later.
    pub(super) is_later: bool,
    /// Whether PostgreSQL gives out its numbers.
    pub(super) is_given_out: bool,
}

impl Table {
    /// The names of all columns, for a statement.
    pub(super) fn names(&self) -> String {
        self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The column whose numbers the database gives out.
    pub(super) fn numbered(&self) -> Option<&str> {
        self.columns.iter().find(|column| column.is_given_out).map(|column| column.name.as_str())
    }
}

/// A column of PostgreSQL: its type, and whether the database gives out its numbers.
type Theirs = BTreeMap<(String, String), (String, bool)>;

/// The tables to copy. Each comes after those that it refers to, apart from the columns in [`LATER`].
///
/// # Errors
/// [`StoreError::Unusable`] if the databases differ.
pub(super) fn of(one: &dyn Tx, other: &dyn Tx) -> Result<Vec<Table>> {
    let (sqlite, postgres) = if one.dialect() == Dialect::Sqlite { (one, other) } else { (other, one) };
    let mut theirs = theirs(postgres)?;
    let mut tables: Vec<Table> = Vec::new();
    let mut keys: Vec<Vec<(i64, usize)>> = Vec::new();
    for (table, name, kind, place) in ours(sqlite)? {
        let found = theirs.remove(&(table.clone(), name.clone()));
        let (their_kind, is_given_out) = found.ok_or_else(|| differs(&table, &name))?;
        if STAY.contains(&table.as_str()) {
            continue;
        }
        if tables.last().is_none_or(|last| last.name != table) {
            tables.push(Table { name: table.clone(), columns: Vec::new(), key: Vec::new() });
            keys.push(Vec::new());
        }
        let (Some(last), Some(key)) = (tables.last_mut(), keys.last_mut()) else { continue };
        if place > 0 {
            key.push((place, last.columns.len()));
        }
        let content = Content::of(&kind, &their_kind).ok_or_else(|| differs(&table, &name))?;
        let is_later = LATER.contains(&(table.as_str(), name.as_str()));
        last.columns.push(Column { name, content, is_later, is_given_out });
    }
    for (table, mut key) in tables.iter_mut().zip(keys) {
        key.sort_unstable();
        table.key = key.into_iter().map(|(_, column)| column).collect();
        // Tables that only PostgreSQL has belong to the processes that share the database. A table that both have
        // must have the same columns.
        if let Some((_, name)) = theirs.keys().find(|(of, _)| *of == table.name) {
            return Err(differs(&table.name, name));
        }
    }
    Ok(tables)
}

fn differs(table: &str, column: &str) -> StoreError {
    StoreError::unusable(format!(
        "the column {column} of the table {table} is not the same in both databases"
    ))
}

/// The columns of SQLite in the order of the tables: table, name, type, and the place in the primary key from 1.
fn ours(sqlite: &dyn Tx) -> Result<Vec<(String, String, String, i64)>> {
    sqlite.all(&Query::new(
        "SELECT t.name, c.name, c.type, c.pk FROM sqlite_schema t JOIN pragma_table_info(t.name) c
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.rowid, c.cid",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    ))
}

fn theirs(postgres: &dyn Tx) -> Result<Theirs> {
    let columns = postgres.all(&Query::new(
        "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT), is_identity = 'YES'
         FROM information_schema.columns WHERE table_schema = current_schema()",
        [],
        |row| Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?))),
    ))?;
    Ok(columns.into_iter().collect())
}
