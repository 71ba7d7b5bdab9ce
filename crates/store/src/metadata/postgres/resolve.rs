//! Finds out whether a COMMIT happened if its answer was lost. The database server knows.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::connection::{Open, TIMELINE};
use super::pool::Pool;
use crate::metadata::patience::left;
use crate::metadata::tx::{Cell, Cells as _, REACH_COPIES, Value};
use crate::{Result, StoreError};

/// How long the server is asked.
const PATIENCE: Duration = Duration::from_secs(10);

/// The first pause between two questions. Each further one is twice as long, up to a limit.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// A transaction whose outcome is unknown.
pub(super) struct Lost {
    /// The number of the transaction in PostgreSQL.
    pub(super) number: Option<String>,
    /// The history that the number belongs to. In another history, the number is that of another transaction.
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

/// Asks how the transaction ended: `Ok` if it was committed.
///
/// # Errors
/// [`StoreError::Contended`] if it was not, so that it runs again. [`StoreError::OutcomeUnknown`] if the server
/// cannot be asked or does not know, for example after a failover.
pub(super) async fn outcome(pool: &Pool, lost: &Lost, until: Option<Instant>) -> Result<()> {
    let (until, mut pause) = (Instant::now() + left(until, PATIENCE), PAUSE);
    loop {
        match timeout_at(until, ask(pool, lost)).await {
            Ok(Ok(Said::Committed)) => return Ok(()),
            Ok(Ok(Said::Aborted)) => {
                return Err(StoreError::Contended("the commit was lost, and did not happen".into()));
            }
            Ok(Ok(Said::Nothing)) | Err(_) => return Err(unknown()),
            // The server may not have noticed yet that the connection is lost.
            Ok(Ok(Said::NotYet) | Err(_)) => {}
        }
        if timeout_at(until, sleep(pause)).await.is_err() {
            return Err(unknown());
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

pub(super) fn unknown() -> StoreError {
    StoreError::OutcomeUnknown("the answer to a commit was lost".into())
}

async fn ask(pool: &Pool, lost: &Lost) -> Result<Said> {
    let (Some(number), Some(timeline)) = (&lost.number, &lost.timeline) else { return Ok(Said::Nothing) };
    let open: Open = pool.extra().await?;
    // The history is asked first: in another history the number may not have been given out yet.
    let rows = open.query(&format!("SELECT {TIMELINE}"), &[]).await?;
    if rows.first().map(|row| row.cell(0)).transpose()? != Some(Cell::Text(timeline)) {
        return Ok(Said::Nothing);
    }
    let text = format!("SELECT pg_xact_status(CAST(CAST(?1 AS TEXT) AS XID8)), {TIMELINE}");
    let rows = open.query(&text, &[Value::from(number)]).await?;
    let Some(row) = rows.first() else { return Ok(Said::NotYet) };
    let said = match (row.cell(0)?, row.cell(1)?) {
        (_, Cell::Text(on)) if on != timeline => Said::Nothing,
        (Cell::Text("committed"), _) => Said::Committed,
        (Cell::Text("aborted"), _) => Said::Aborted,
        _ => Said::NotYet,
    };
    if matches!(said, Said::Committed) {
        // The commit may have become visible because a wait for a copy was given up. This query waits for the copy.
        open.query(REACH_COPIES, &[]).await?;
        if open.was_warned() {
            return Ok(Said::Nothing);
        }
    }
    Ok(said)
}
