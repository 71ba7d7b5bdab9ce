use async_trait::async_trait;

use crate::Result;
use crate::metadata::engine::{Engine, Terms};
use crate::metadata::progress::{Mark, Progress};
use crate::metadata::store::Store;
use crate::metadata::tx::{Query, values};

#[async_trait]
impl<E: Engine> Progress for Store<E> {
    async fn mark(&self, mark: Mark) -> Result<Option<i64>> {
        self.read_one(|tx| {
            tx.find(&Query::column("SELECT value FROM progress WHERE name = ?1", values![name(mark)]))
        })
        .await
    }

    async fn set_marks(&self, marks: Vec<(Mark, i64)>) -> Result<()> {
        self.upkeep(Terms::server().takes_nothing().repeatable(), move |tx| {
            tx.each(
                "INSERT INTO progress (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                marks.iter().map(|(mark, value)| values![name(*mark), *value]),
            )?;
            Ok(())
        })
        .await
    }
}

/// The name of a mark in its row.
pub(crate) fn name(mark: Mark) -> &'static str {
    match mark {
        Mark::SteadyTime => "steady-time",
        Mark::ScrubPosition => "scrub-position",
        Mark::ScrubStarted => "scrub-started",
        Mark::GcGrace => "gc-grace",
        Mark::ContentFolder => "content-folder",
        Mark::ContentBucket => "content-bucket",
    }
}
