use async_trait::async_trait;

use crate::Result;
use crate::metadata::engine::{Engine, Terms};
use crate::metadata::progress::{Mark, Progress};
use crate::metadata::store::Store;
use crate::metadata::tx::{Query, Tx, values};

#[async_trait]
impl<E: Engine> Progress for Store<E> {
    async fn mark(&self, mark: Mark) -> Result<Option<i64>> {
        self.read_one(|tx| get(tx, mark)).await
    }

    async fn set_marks(&self, marks: Vec<(Mark, i64)>) -> Result<()> {
        self.upkeep(Terms::server().takes_nothing().repeatable(), move |tx| set(tx, &marks)).await
    }
}

/// The value of a mark.
pub(crate) fn get(tx: &dyn Tx, mark: Mark) -> Result<Option<i64>> {
    tx.find(&Query::column("SELECT value FROM progress WHERE name = ?1", values![name(mark)]))
}

/// Sets several marks. Their rows are locked in the order of their names.
pub(crate) fn set(tx: &dyn Tx, marks: &[(Mark, i64)]) -> Result<()> {
    let mut marks: Vec<(&str, i64)> = marks.iter().map(|(mark, value)| (name(*mark), *value)).collect();
    marks.sort_unstable();
    tx.post_each(
        "INSERT INTO progress (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        marks.iter().map(|(name, value)| values![*name, *value]),
    )
}

/// The name of a mark in its row.
pub(crate) fn name(mark: Mark) -> &'static str {
    match mark {
        Mark::SteadyTime => "steady-time",
        Mark::ScrubPosition => "scrub-position",
        Mark::ScrubStarted => "scrub-started",
        Mark::GcGrace => "gc-grace",
        Mark::RestoreWindow => "restore-window",
        Mark::ContentFolder => "content-folder",
        Mark::ContentBucket => "content-bucket",
        Mark::Incarnation => "incarnation",
        Mark::DatabaseServer => "database-server",
        Mark::Timeline => "database-timeline",
        Mark::Table => "database-table",
        Mark::SweptPart => "swept-part",
        Mark::SweepDue => "sweep-due",
        Mark::ComparedPart => "compared-part",
        Mark::ComparisonDue => "comparison-due",
    }
}
