//! Garbage collection in the data directory of a stopped server.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use gangplank_api::gangplank::{CollectGarbageRequest, CollectGarbageResult};
use gangplank_core::{Leases, Time};
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::progress::Mark;
use gangplank_store::open::{Bucket, Failovers, Mode, Stores};
use tokio_util::sync::CancellationToken;

use crate::collection::{Cycle, cutoff};
use crate::control::collection_wire::{collected, grace_of, planned};
use crate::data_dir::DataDir;
use crate::discarded::{Remover, Terms};
use crate::removals::Removals;

/// Collects garbage in a data directory that no server uses, and in its bucket if it has one. The answer is
/// that of the API. Steady time stands still while no server runs, so nothing has aged since the stop.
///
/// # Errors
/// If the stores cannot be opened or fail, or neither the request nor the database has a grace period.
pub async fn collect_in(
    data_dir: &DataDir,
    bucket: Option<Bucket>,
    request: &CollectGarbageRequest,
) -> Result<CollectGarbageResult> {
    let store = data_dir.store(Mode::Offline).with_bucket(bucket);
    let rows = store.rows().await.context("cannot open the database")?;
    let Stores { metadata, blobs, .. } = rows.with_bytes().await?;
    let metadata = metadata.as_ref();
    let now = Time(metadata.mark(Mark::SteadyTime).await?.unwrap_or_default());
    let cutoff = match (grace_of(request), told(metadata).await?) {
        (Some(grace), _) => cutoff(grace, now),
        (None, Some(leases)) => leases.over(now),
        (None, None) => bail!(
            "this directory does not say which grace period its server was told, so what may go cannot be \
             told from what must stay: start the server once, or give --grace"
        ),
    };
    let removals = Removals::of(data_dir.path());
    let window =
        metadata.mark(Mark::RestoreWindow).await?.map(|window| Duration::from_millis(window.unsigned_abs()));
    let terms = Terms::of(blobs.as_ref(), window, Failovers::default());
    let cycle =
        Cycle { remover: Remover { metadata, blobs: &blobs, removals: &removals, terms, now }, cutoff };
    Ok(if request.dry_run.unwrap_or(false) {
        planned(cycle.plan().await?)
    } else {
        let done = cycle.run(&CancellationToken::new()).await?;
        // No server removes the rest soon.
        cycle.remover.remove_all().await?;
        collected(&done)
    })
}

/// The grace period of the server that ran here last.
async fn told(metadata: &dyn Metadata) -> Result<Option<Leases>> {
    let grace = metadata.mark(Mark::GcGrace).await?;
    Ok(grace.map(|grace| Leases { grace: Duration::from_millis(grace.unsigned_abs()) }))
}
