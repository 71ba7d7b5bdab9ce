//! A COMMIT whose answer was lost: it happened or not, and the server knows.

use std::time::{Duration, Instant};

use super::connection::{Open, TIMELINE};
use super::pool::Pool;
use crate::metadata::tx::{Cell, Cells as _, Value};
use crate::{Result, StoreError};

/// How long the server is asked.
const PATIENCE: Duration = Duration::from_secs(10);

/// From one question to the next.
const PAUSE: Duration = Duration::from_millis(200);

/// A transaction of which nobody heard how it ended.
pub(super) struct Lost {
    /// Its number, which the server knows it by.
    pub(super) number: String,
    /// In which history: in another the number is another's.
    pub(super) timeline: Option<String>,
}

/// What the server says of a transaction.
enum Said {
    Committed,
    Aborted,
    /// It is not decided.
    NotYet,
    /// It cannot know.
    Nothing,
}

/// How it ended: committed, or [`StoreError::Contended`], so that it is run again.
///
/// # Errors
/// [`StoreError::OutcomeUnknown`] if the server cannot be asked, or does not know: another one may have taken its place.
pub(super) async fn outcome(pool: &Pool, lost: Lost) -> Result<()> {
    let since = Instant::now();
    loop {
        match ask(pool, &lost).await {
            Ok(Said::Committed) => return Ok(()),
            Ok(Said::Aborted) => {
                return Err(StoreError::Contended("the commit was lost, and did not happen".into()));
            }
            Ok(Said::Nothing) => return Err(unknown()),
            _ if since.elapsed() > PATIENCE => return Err(unknown()),
            // Its connection may not be known to be lost yet.
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}

fn unknown() -> StoreError {
    StoreError::OutcomeUnknown("the answer to a commit was lost".into())
}

async fn ask(pool: &Pool, lost: &Lost) -> Result<Said> {
    let open: Open = pool.extra().await?;
    let Some(timeline) = &lost.timeline else { return Ok(Said::Nothing) };
    // Asked first: a number may be of the future where it is another's.
    let rows = open.query(&format!("SELECT {TIMELINE}"), &[]).await?;
    if rows.first().map(|row| row.cell(0)).transpose()? != Some(Cell::Text(timeline)) {
        return Ok(Said::Nothing);
    }
    let text = format!("SELECT pg_xact_status(CAST(CAST(?1 AS TEXT) AS XID8)), {TIMELINE}");
    let rows = open.query(&text, &[Value::from(&lost.number)]).await?;
    let Some(row) = rows.first() else { return Ok(Said::NotYet) };
    Ok(match (row.cell(0)?, row.cell(1)?) {
        (_, Cell::Text(on)) if on != timeline => Said::Nothing,
        (Cell::Text("committed"), _) => Said::Committed,
        (Cell::Text("aborted"), _) => Said::Aborted,
        _ => Said::NotYet,
    })
}
