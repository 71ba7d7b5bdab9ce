//! Copies the rows of tables, a page at a time.

use super::field::Field;
use super::shape::Table;
use crate::metadata::tx::{Query, Tx, Value};
use crate::{Result, StoreError};

/// How many rows are in memory at once, and how many of them one statement inserts.
#[derive(Clone, Copy)]
struct Pace {
    page: usize,
    statement: usize,
}

/// For small rows.
const SMALL: Pace = Pace { page: 2_000, statement: 50 };

/// For rows of up to some megabytes.
const LARGE: Pace = Pace { page: 16, statement: 1 };

/// The tables with large rows.
const LARGE_ROWS: [&str; 2] = ["manifests", "deployments"];

/// Copies all rows of these tables into empty ones. Returns how many there are.
///
/// # Errors
/// [`StoreError::Damaged`] if a value does not fit its column, or if the target does not have as many rows.
pub(super) fn tables(from: &dyn Tx, to: &dyn Tx, tables: &[Table]) -> Result<u64> {
    let mut all = 0;
    for table in tables {
        let copied = rows(from, to, table).map_err(|error| of_table(table, error))?;
        let text = format!("SELECT count(*) FROM {}", table.name);
        let found: u64 = to.one(&Query::column(&text, []))?;
        if copied != found {
            let name = &table.name;
            return Err(StoreError::damaged(format!("{found} rows of {name} have come, of {copied}")));
        }
        all += copied;
    }
    for table in tables {
        later(from, to, table).map_err(|error| of_table(table, error))?;
    }
    Ok(all)
}

/// The error with the name of the table.
fn of_table(table: &Table, error: StoreError) -> StoreError {
    let said = |cause: crate::Cause| format!("the rows of {}: {cause}", table.name);
    match error {
        StoreError::Unavailable(cause) => StoreError::unavailable(said(cause)),
        StoreError::Damaged(cause) => StoreError::damaged(said(cause)),
        other => other,
    }
}

fn rows(from: &dyn Tx, to: &dyn Tx, table: &Table) -> Result<u64> {
    let pace = if LARGE_ROWS.contains(&table.name.as_str()) { LARGE } else { SMALL };
    let (many, one) = (insert(table, pace.statement), insert(table, 1));
    let mut copied = 0;
    let mut position = None;
    loop {
        let page = page(from, table, position.as_deref(), pace.page)?;
        let Some(last) = page.last() else { return Ok(copied) };
        let statements = page.len() / pace.statement * pace.statement;
        for (text, rows, count) in
            [(&many, &page[..statements], pace.statement), (&one, &page[statements..], 1)]
        {
            let values: Vec<Value<'_>> = rows.iter().flat_map(|row| values(table, row)).collect();
            if !values.is_empty() {
                to.execute_each(text, count * table.columns.len(), &values)?;
            }
        }
        copied += page.len() as u64;
        position = Some(table.key.iter().map(|column| last[*column].clone()).collect::<Vec<_>>());
    }
}

/// The values of a row as they are inserted.
fn values<'r>(table: &'r Table, row: &'r [Field]) -> impl Iterator<Item = Value<'r>> {
    table.columns.iter().zip(row).map(|(column, field)| {
        if column.is_later { Value::Null(column.content.kind()) } else { field.value() }
    })
}

/// Fills the columns that refer to later tables.
fn later(from: &dyn Tx, to: &dyn Tx, table: &Table) -> Result<()> {
    let waiting: Vec<usize> =
        (0..table.columns.len()).filter(|column| table.columns[*column].is_later).collect();
    if waiting.is_empty() {
        return Ok(());
    }
    let name = |column: &usize| table.columns[*column].name.as_str();
    let set: Vec<String> =
        waiting.iter().zip(1..).map(|(column, at)| format!("{} = ?{at}", name(column))).collect();
    let key = table.key.iter().zip(waiting.len() + 1..);
    let key: Vec<String> = key.map(|(column, at)| format!("{} = ?{at}", name(column))).collect();
    let text = format!("UPDATE {} SET {} WHERE {}", table.name, set.join(", "), key.join(" AND "));
    let mut position = None;
    loop {
        let page = page(from, table, position.as_deref(), SMALL.page)?;
        let Some(last) = page.last() else { return Ok(()) };
        let columns = || waiting.iter().chain(&table.key);
        let values: Vec<Value<'_>> =
            page.iter().flat_map(|row| columns().map(|column| row[*column].value())).collect();
        to.execute_each(&text, columns().count(), &values)?;
        position = Some(table.key.iter().map(|column| last[*column].clone()).collect::<Vec<_>>());
    }
}

/// At most `limit` rows after a primary key, in its order.
pub(super) fn page(
    from: &dyn Tx,
    table: &Table,
    after: Option<&[Field]>,
    limit: usize,
) -> Result<Vec<Vec<Field>>> {
    let key: Vec<&str> = table.key.iter().map(|column| table.columns[*column].name.as_str()).collect();
    let key = key.join(", ");
    let mut values: Vec<Value<'_>> = after.unwrap_or_default().iter().map(Field::value).collect();
    let after = match values.len() {
        0 => String::new(),
        count => format!("WHERE ({key}) > ({})", parameters(1, count)),
    };
    values.push(Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
    let (names, name, last) = (table.names(), &table.name, values.len());
    let text = format!("SELECT {names} FROM {name} {after} ORDER BY {key} LIMIT ?{last}");
    let mut found = Vec::new();
    from.query(&text, &values, &mut |row| {
        let fields = table.columns.iter().enumerate();
        found.push(
            fields.map(|(at, column)| Field::read(column.content, row.cell(at)?)).collect::<Result<_>>()?,
        );
        Ok(())
    })?;
    Ok(found)
}

/// The statement that inserts `count` rows.
fn insert(table: &Table, count: usize) -> String {
    let width = table.columns.len();
    let rows: Vec<String> =
        (0..count).map(|row| format!("({})", parameters(row * width + 1, width))).collect();
    format!("INSERT INTO {} ({}) VALUES {}", table.name, table.names(), rows.join(", "))
}

fn parameters(first: usize, count: usize) -> String {
    (first..first + count).map(|at| format!("?{at}")).collect::<Vec<_>>().join(", ")
}
