//! Finds out whether a COMMIT happened whose answer was lost. The database server knows.

use std::time::{Duration, Instant};

use super::connection::Open;
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
            Ok(Some(true)) => return Ok(()),
            Ok(Some(false)) => {
                return Err(StoreError::Contended("the commit was lost, and did not happen".into()));
            }
            _ if since.elapsed() > PATIENCE => {
                return Err(StoreError::OutcomeUnknown("the answer to a commit was lost".into()));
            }
            // The server may not have noticed yet that the connection is lost.
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Whether it was committed; `None` while it is undecided.
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
