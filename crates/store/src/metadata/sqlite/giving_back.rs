//! Returns free pages to the file system, a few at a time, between other work.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::Embedded;
use crate::Result;
use crate::metadata::engine::Terms;

/// How long one step takes at most. The commit of a step takes about as long again.
const STEP: Duration = Duration::from_millis(4);

/// How many pages are returned before the step looks at the clock.
const PAGES: u32 = 32;

/// How many free pages stay, so that the next rows do not make the file longer.
const SPARE: i64 = 256;

impl Embedded {
    /// Runs one step; returns whether there is more to do. After the last step the log is emptied as well.
    pub(super) async fn give_pages_back(&self) -> Result<bool> {
        // No answer depends on this commit, and a power cut undoes it as a whole.
        let is_more = self.writer.write(Terms::server().takes_nothing().visible(), step).await?;
        if !is_more {
            self.writer.empty_log().await?;
        }
        Ok(is_more)
    }
}

/// Returns some pages; says whether there are more.
fn step(connection: &Connection) -> Result<bool> {
    let begun = Instant::now();
    loop {
        let free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        if free <= SPARE {
            return Ok(false);
        }
        if begun.elapsed() > STEP {
            return Ok(true);
        }
        // The pragma answers with a row for each page, and returns the page when the row is read.
        let mut give_back = connection.prepare_cached(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
        let mut given = give_back.query([])?;
        while given.next()?.is_some() {}
    }
}
