use async_trait::async_trait;
use rusqlite::{OptionalExtension as _, params};

use super::Sqlite;
use super::cache::Touched;
use super::writer::Whose;
use crate::Result;
use crate::metadata::progress::{Mark, Progress};

#[async_trait]
impl Progress for Sqlite {
    async fn mark(&self, mark: Mark) -> Result<Option<i64>> {
        self.read(|connection| {
            let mut find = connection.prepare_cached("SELECT value FROM progress WHERE name = ?1")?;
            Ok(find.query_row([name(mark)], |row| row.get(0)).optional()?)
        })
    }

    async fn set_marks(&self, marks: Vec<(Mark, i64)>) -> Result<()> {
        self.doors
            .upkeep(Whose::Server, Touched::NOTHING, move |connection| {
                let mut set = connection.prepare_cached(
                    "INSERT INTO progress (name, value) VALUES (?1, ?2)
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                )?;
                for (mark, value) in marks {
                    set.execute(params![name(mark), value])?;
                }
                Ok(())
            })
            .await
    }
}

/// What a mark is called in its row.
pub(super) fn name(mark: Mark) -> &'static str {
    match mark {
        Mark::SteadyTime => "steady-time",
        Mark::ScrubPosition => "scrub-position",
        Mark::ScrubStarted => "scrub-started",
        Mark::GcGrace => "gc-grace",
        Mark::ContentFolder => "content-folder",
    }
}
