//! Garbage collection in a data directory whose server is stopped.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use gangplank_api::gangplank::{CollectGarbageRequest, CollectGarbageResult};
use gangplank_core::{Leases, Time};
use gangplank_store::blobs::{BlobStore, Folder};
use gangplank_store::metadata::progress::Mark;
use gangplank_store::metadata::{Progress as _, Sqlite};
use tokio_util::sync::CancellationToken;

use crate::collection::{Cycle, cutoff};
use crate::control::collection_wire::{collected, grace_of, planned};
use crate::data_dir::DataDir;

/// Collects in a data directory that no server uses, and answers as a server does. Time stands still
/// there, so nothing has aged since the server stopped.
///
/// # Errors
/// If its stores cannot be opened or fail.
pub async fn collect_in(data_dir: &DataDir, request: &CollectGarbageRequest) -> Result<CollectGarbageResult> {
    let metadata = Sqlite::open(&data_dir.database()).context("cannot open the database")?;
    let blobs = Folder::open(&data_dir.blobs()).context("cannot open the blob folder")?;
    let now = Time(metadata.mark(Mark::SteadyTime).await?.unwrap_or_default());
    let cycle = Cycle {
        metadata: &metadata,
        blobs: &(Arc::new(blobs) as Arc<dyn BlobStore>),
        now,
        cutoff: cutoff(Leases::default(), grace_of(request), now),
    };
    Ok(if request.dry_run.unwrap_or(false) {
        planned(cycle.plan().await?)
    } else {
        collected(&cycle.run(&CancellationToken::new()).await?)
    })
}
