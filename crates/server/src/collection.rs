//! Garbage collection: runs a cycle, or plans one. A running server and an offline data directory both use it.

use std::time::Duration;

use gangplank_core::Time;
use gangplank_store::metadata::collection::{Collected, Garbage};
use gangplank_store::{Result, StoreError};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::discarded::Remover;

/// About how many rows one transaction removes. A push may have to wait for one transaction.
const STEP: usize = 500;

/// How long a cycle removes bytes. Somebody may have asked for the cycle and be waiting for it.
const BYTES: Duration = Duration::from_secs(5);

/// The stores and the times of a cycle.
pub(crate) struct Cycle<'a> {
    pub(crate) remover: Remover<'a>,
    /// Leases that were taken at this time or before have ended.
    pub(crate) cutoff: Time,
}

/// The garbage that a cycle would remove.
pub(crate) struct Plan {
    pub(crate) garbage: Vec<Garbage>,
    /// When the plan was made, in steady time.
    pub(crate) now: Time,
}

impl Cycle<'_> {
    /// Removes garbage: first the rows, then the bytes whose restore window is over. Then gives the free space of the database back. Ends
    /// early when told to stop.
    ///
    /// # Errors
    /// If a store fails.
    pub(crate) async fn run(&self, stop: &CancellationToken) -> Result<Collected> {
        let Remover { metadata, now, .. } = self.remover;
        let mut collected = Collected::default();
        while !stop.is_cancelled() {
            let step = metadata.collect(self.cutoff, now, STEP).await?;
            if step == Collected::default() {
                break;
            }
            collected.add(&step);
        }
        // The rows are gone. Bytes that are not removed in this time are removed later, since their store may be out
        // of reach for long.
        match timeout(BYTES, self.remover.remove_all()).await {
            Ok(Err(error @ StoreError::Unavailable(_))) => {
                tracing::warn!(%error, "cannot remove the bytes of what was collected; they are removed later");
            }
            Ok(removed) => removed?,
            Err(_) => tracing::info!("the bytes of what was collected are removed later"),
        }
        while !stop.is_cancelled() && self.give_back().await {}
        Ok(collected)
    }

    /// Gives some space back. Returns whether there is more. A failure is only logged, because the database
    /// reuses its space.
    async fn give_back(&self) -> bool {
        self.remover.metadata.give_back().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot return the freed space of the database to the disk; the next cycle will try again");
            false
        })
    }

    /// Lists the garbage that a cycle would remove.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) async fn plan(&self) -> Result<Plan> {
        let Remover { metadata, now, .. } = self.remover;
        Ok(Plan { garbage: metadata.garbage(self.cutoff).await?, now })
    }
}

/// The cutoff for the grace period that an operator requested. Without a grace period, even a lease that was
/// taken now has ended.
pub(crate) fn cutoff(grace: Duration, now: Time) -> Time {
    if grace.is_zero() { Time(i64::MAX) } else { now.minus(grace) }
}
