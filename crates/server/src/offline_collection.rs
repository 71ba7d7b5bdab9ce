//! Garbage collection by a command: in the data directory of a stopped server, or in a store that servers share.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use gangplank_api::gangplank::{CollectGarbageRequest, CollectGarbageResult};
use gangplank_core::{Leases, Time};
use gangplank_store::blobs::BlobStore;
use gangplank_store::coordination::Work;
use gangplank_store::metadata::progress::Mark;
use gangplank_store::metadata::{Agreed as _, Metadata};
use gangplank_store::open::{Bucket, Failovers, Mode, StoreConfig, Stores};
use tokio_util::sync::CancellationToken;

use crate::collection::{Cycle, cutoff};
use crate::control::collection_wire::{collected, grace_of, planned};
use crate::coordination::Claims;
use crate::data_dir::DataDir;
use crate::discarded::{Remover, Terms};
use crate::removals::Removals;

/// Collects garbage in a data directory that no server uses, and in its bucket if it has one. Returns the API's
/// answer. Steady time stands still while no server runs, so nothing has aged since the stop.
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
    let now = Time(metadata.mark(Mark::SteadyTime).await?.unwrap_or_default());
    cycle(metadata.as_ref(), &blobs, &Removals::of(data_dir.path()), now, request).await
}

/// Collects garbage in a store that servers share, while they run. Waits until no server collects. Returns the
/// API's answer.
///
/// # Errors
/// If the store cannot be opened or fails, or neither the request nor the database has a grace period.
pub async fn collect_shared(
    store: StoreConfig,
    request: &CollectGarbageRequest,
) -> Result<CollectGarbageResult> {
    let rows = store.rows().await.context("cannot open the database")?;
    let cluster = rows.cluster.clone().context("the store is not shared")?;
    let Stores { metadata, blobs, coordinator, .. } = rows.with_bytes().await?;
    let now = cluster.steady_time().context("no server has used this database yet")?;
    let removals = Removals::of_no_directory();
    if request.dry_run == Some(true) {
        return cycle(metadata.as_ref(), &blobs, &removals, now, request).await;
    }
    let claims = Claims::new(Arc::clone(&coordinator), uuid::Uuid::new_v4().simple().to_string());
    let held = claims.wait(Work::Collection).await?;
    let end = CancellationToken::new();
    let keeping = tokio::spawn(Arc::clone(&claims).keep(end.clone()));
    let collected = tokio::select! {
        collected = cycle(metadata.as_ref(), &blobs, &removals, now, request) => collected,
        () = held.lost() => Err(anyhow!("a server collects now; try again")),
    };
    end.cancel();
    let _ = keeping.await;
    // The claim is released here, since no task continues after a command ends.
    let _ = coordinator.release(held.claim()).await;
    collected
}

async fn cycle(
    metadata: &dyn Metadata,
    blobs: &Arc<dyn BlobStore>,
    removals: &Removals,
    now: Time,
    request: &CollectGarbageRequest,
) -> Result<CollectGarbageResult> {
    let cutoff = match (grace_of(request), told(metadata).await?) {
        (Some(grace), _) => cutoff(grace, now),
        (None, Some(leases)) => leases.over(now),
        (None, None) => bail!(
            "the database does not say which grace period its server was told, so what may go cannot be told from \
             what must stay: start the server once, or give --grace"
        ),
    };
    let window = metadata.mark(Mark::RestoreWindow).await?;
    let window = window.map(|window| Duration::from_millis(window.unsigned_abs()));
    let terms = Terms::of(blobs.as_ref(), window, Failovers::default());
    let cycle = Cycle { remover: Remover { metadata, blobs, removals, terms, now }, cutoff };
    Ok(if request.dry_run.unwrap_or(false) {
        planned(cycle.plan().await?, terms)
    } else {
        let done = cycle.run(&CancellationToken::new()).await?;
        // No server will remove the remaining bytes soon.
        cycle.remover.remove_all().await?;
        collected(&done, terms)
    })
}

/// The grace period of the server that ran here last.
async fn told(metadata: &dyn Metadata) -> Result<Option<Leases>> {
    let grace = metadata.mark(Mark::GcGrace).await?;
    Ok(grace.map(|grace| Leases { grace: Duration::from_millis(grace.unsigned_abs()) }))
}
