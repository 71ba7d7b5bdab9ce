//! A COMMIT whose answer was lost: it happened or not, and the server knows.

use std::time::{Duration, Instant};

use super::connection::Open;
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
}

/// How it ended: committed, or [`StoreError::Contended`], so that it is run again.
///
/// # Errors
/// [`StoreError::OutcomeUnknown`] if the server cannot be asked, or does not know: another one may have taken its place.
pub(super) async fn outcome(pool: &Pool, lost: Lost) -> Result<()> {
    let since = Instant::now();
    loop {
        match ask(pool, &lost).await {
            Ok(Some(true)) => return Ok(()),
            Ok(Some(false)) => {
                return Err(StoreError::Contended("the commit was lost, and did not happen".into()));
            }
            _ if since.elapsed() > PATIENCE => {
                return Err(StoreError::OutcomeUnknown("the answer to a commit was lost".into()));
            }
            // Its connection may not be known to be lost yet.
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Whether it was committed; `None` if that is not decided.
async fn ask(pool: &Pool, lost: &Lost) -> Result<Option<bool>> {
    let open: Open = pool.extra().await?;
    let text = "SELECT pg_xact_status(CAST(CAST(?1 AS TEXT) AS XID8))";
    let rows = open.query(text, &[Value::from(&lost.number)]).await?;
    Ok(match rows.first().map(|row| row.cell(0)).transpose()? {
        Some(Cell::Text("committed")) => Some(true),
        Some(Cell::Text("aborted")) => Some(false),
        _ => None,
    })
}
