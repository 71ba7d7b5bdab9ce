//! Copies all rows from a database of one kind to one of the other kind, unchanged and with their numbers.
//!
//! There is no list of tables to keep up to date. Each database tells its tables and columns, and both
//! databases must have the same. Upload sessions and discarded keys are not copied, because their bytes are not
//! copied either.

mod copying;
mod field;
mod numbers;
mod shape;

use std::path::Path;

use gangplank_core::Time;

use super::progress::Mark;
use super::rules::progress;
use super::sqlite::moving;
use super::tx::{Query, Tx, values};
use crate::Result;
use crate::blobs::ContentKey;

/// The other end of a migration, as each of the two stores records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// The number that rows and bytes share. It is the same at both ends.
    pub number: i64,
    /// The place of the other end, for people. It has no secrets.
    pub place: String,
}

/// The state of a store that is one end of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Rows and bytes are on their way from the other store to this one.
    Arriving(Other),
    /// All rows and bytes have arrived here. The other store may not know yet that it has moved.
    Arrived(Other),
    /// All rows and bytes are in the other store. A server must not use the rows and bytes here.
    Moved(Other),
}

impl Move {
    /// The word for the state in a file or row.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Arriving(_) => "arriving",
            Self::Arrived(_) => "arrived",
            Self::Moved(_) => "moved",
        }
    }

    /// The state with this word; `None` if there is none.
    pub fn of(word: &str, other: Other) -> Option<Self> {
        Some(match word {
            "arriving" => Self::Arriving(other),
            "arrived" => Self::Arrived(other),
            "moved" => Self::Moved(other),
            _ => return None,
        })
    }

    /// The other end.
    pub fn other(&self) -> &Other {
        match self {
            Self::Arriving(other) | Self::Arrived(other) | Self::Moved(other) => other,
        }
    }
}

/// Where the bytes of the migrated rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// In a folder beside the rows.
    Folder,
    /// In a bucket.
    Bucket,
}

/// The changes to rows on their way.
#[derive(Clone, Debug)]
pub struct Changes {
    /// Where the bytes are at the new place.
    pub bytes: Bytes,
    /// Contents whose bytes could not be copied. They are marked as damaged.
    pub damaged: Vec<ContentKey>,
}

/// How many rows were copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Rows of all tables together.
    pub count: u64,
}

/// Copies all rows into empty tables, and checks that as many arrived. The target gives out no number that the
/// source has given out. One end is SQLite, the other PostgreSQL. `steady` is the steady time if the source
/// stores it elsewhere than in its marks.
pub(super) fn copy(from: &dyn Tx, to: &dyn Tx, steady: Option<Time>, changes: &Changes) -> Result<Rows> {
    let tables = shape::of(from, to)?;
    let count = copying::tables(from, to, &tables)?;
    numbers::go_on(from, to, &tables)?;
    change(to, steady, changes)?;
    Ok(Rows { count })
}

/// The names of all tables that both databases have, for a statement.
pub(super) fn tables(from: &dyn Tx, to: &dyn Tx) -> Result<String> {
    let mut names: Vec<String> = shape::of(from, to)?.into_iter().map(|table| table.name).collect();
    names.extend(shape::STAY.map(str::to_owned));
    Ok(names.join(", "))
}

/// Counts the rows that a migration copies from a database file. A server may use the file meanwhile.
///
/// # Errors
/// If the file cannot be read, or does not have the schema of this program.
pub fn rows_in(path: &Path) -> Result<Rows> {
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    moving::reading(path, |tx| count(tx, names))
}

/// Counts the rows of the tables that a query names, without the rows that a migration leaves behind.
pub(super) fn count(tx: &dyn Tx, names: &str) -> Result<Rows> {
    let mut count = 0;
    for name in tx.all(&Query::<String>::column(names, []))? {
        if !shape::STAY.contains(&name.as_str()) {
            count += tx.one::<u64>(&Query::column(&format!("SELECT count(*) FROM {name}"), []))?;
        }
    }
    Ok(Rows { count })
}

/// The marks that a migration does not copy: the history of a database, and the place of its bytes.
const OF_A_PLACE: [Mark; 4] = [Mark::ContentBucket, Mark::DatabaseServer, Mark::Timeline, Mark::Table];

fn change(to: &dyn Tx, steady: Option<Time>, changes: &Changes) -> Result<()> {
    let forget = "DELETE FROM progress WHERE name = ?1";
    to.each(forget, OF_A_PLACE.iter().map(|mark| values![progress::name(*mark)]))?;
    if changes.bytes == Bytes::Bucket {
        progress::set(to, &[(Mark::ContentBucket, 1)])?;
    }
    if let Some(steady) = steady.max(steady_time(to)?) {
        progress::set(to, &[(Mark::SteadyTime, steady.0)])?;
    }
    let damage = "UPDATE blobs SET damaged = 1 WHERE key = ?1";
    to.each(damage, changes.damaged.iter().map(|key| values![key.as_str()])).map(drop)
}

/// The steady time of the marks.
pub(super) fn steady_time(tx: &dyn Tx) -> Result<Option<Time>> {
    Ok(progress::get(tx, Mark::SteadyTime)?.map(Time))
}
