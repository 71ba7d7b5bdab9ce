//! Garbage collection: a cycle to its end, or what one would remove. The same for a running server and
//! for a data directory whose server is stopped.

use std::sync::Arc;
use std::time::Duration;

use gangplank_core::Time;
use gangplank_store::Result;
use gangplank_store::blobs::BlobStore;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::collection::{Collected, Garbage};
use tokio_util::sync::CancellationToken;

use crate::discarded;
use crate::removals::Removals;

/// About how many rows one transaction removes: a push waits no longer than that takes.
const STEP: usize = 500;

/// What a cycle works on, and by which terms.
pub(crate) struct Cycle<'a> {
    pub(crate) metadata: &'a dyn Metadata,
    pub(crate) blobs: &'a Arc<dyn BlobStore>,
    pub(crate) removals: &'a Removals,
    /// This moment, by the steady time.
    pub(crate) now: Time,
    /// Leases taken at this moment or before are over.
    pub(crate) cutoff: Time,
}

/// What a cycle would remove.
pub(crate) struct Plan {
    pub(crate) garbage: Vec<Garbage>,
    /// When it was worked out, by the steady time.
    pub(crate) now: Time,
}

impl Cycle<'_> {
    /// Removes what is garbage, rows first, then bytes, and gives their space back; ends early when told to stop.
    pub(crate) async fn run(&self, stop: &CancellationToken) -> Result<Collected> {
        let mut collected = Collected::default();
        while !stop.is_cancelled() {
            let step = self.metadata.collect(self.cutoff, self.now, STEP).await?;
            if step == Collected::default() {
                break;
            }
            collected.add(&step);
        }
        discarded::remove_all(self.metadata, self.blobs, self.removals).await?;
        while !stop.is_cancelled() && self.give_back().await {}
        Ok(collected)
    }

    /// Gives some space back; says whether there is more. What cannot be given back is used again.
    async fn give_back(&self) -> bool {
        self.metadata.give_back().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot give the space of what was collected back; the next cycle will try");
            false
        })
    }

    /// Works out what it would remove.
    pub(crate) async fn plan(&self) -> Result<Plan> {
        Ok(Plan { garbage: self.metadata.garbage(self.cutoff).await?, now: self.now })
    }
}

/// The cutoff by a grace period that an operator asks for. By none at all, no lease counts, not even one
/// taken this moment.
pub(crate) fn cutoff(grace: Duration, now: Time) -> Time {
    if grace.is_zero() { Time(i64::MAX) } else { now.minus(grace) }
}
