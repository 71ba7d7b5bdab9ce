//! Giving pages that are free back to the file system, a few at a time, between others' work.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::Embedded;
use super::writer::Whose;
use crate::Result;

/// How long one step takes. Its commit takes about as long again.
const STEP: Duration = Duration::from_millis(4);

/// Pages that are given back before a step looks at the time.
const PAGES: u32 = 32;

/// Free pages that stay: what comes next need not make the file longer.
const SPARE: i64 = 256;

impl Embedded {
    /// One step; says whether there is more to be given back. After the last the log is emptied as well.
    pub(super) async fn give_pages_back(&self) -> Result<bool> {
        // Nobody is told that it is durable, and a power cut loses it whole.
        let is_more = self.writer.write_unsynced(Whose::Server, step).await?;
        if !is_more {
            self.writer.empty_log(Whose::Server).await?;
        }
        Ok(is_more)
    }
}

/// Gives some pages back; says whether there are more.
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
        // Each page is a row of the answer, and is given back when that is asked for.
        let mut give_back = connection.prepare_cached(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
        let mut given = give_back.query([])?;
        while given.next()?.is_some() {}
    }
}
