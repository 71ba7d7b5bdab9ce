//! Finds out whether a COMMIT happened whose answer was lost. The database server knows.

use std::time::{Duration, Instant};

use super::connection::{Open, TIMELINE};
use super::pool::Pool;
use crate::metadata::tx::{Cell, Cells as _, Value};
use crate::{Result, StoreError};

/// How long the server is asked.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pause between two questions.
const PAUSE: Duration = Duration::from_millis(200);

/// A transaction whose outcome is unknown.
pub(super) struct Lost {
    /// The number of the transaction in PostgreSQL.
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

/// Asks how the transaction ended: `Ok` if it was committed.
///
/// # Errors
/// [`StoreError::Contended`] if it was not, so that it runs again. [`StoreError::OutcomeUnknown`] if the server
/// cannot be asked or does not know, for example after a failover.
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
            // The server may not have noticed yet that the connection is lost.
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
