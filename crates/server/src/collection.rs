//! Garbage collection: a cycle to its end, or what one would remove. The same for a running server and
//! for a data directory whose server is stopped.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use gangplank_api::gangplank::{CollectGarbageRequest, CollectGarbageResult, Garbage, GarbageKind};
use gangplank_core::{Leases, Time};
use gangplank_store::blobs::{BlobStore, Folder};
use gangplank_store::metadata::collection as store;
use gangplank_store::metadata::progress::Mark;
use gangplank_store::metadata::{Metadata, Progress as _, Sqlite};
use tokio_util::sync::CancellationToken;

use crate::data_dir::DataDir;
use crate::jobs::discarded;

/// About how many rows one transaction removes: a push waits no longer than that takes.
const STEP: usize = 500;

/// The most garbage that an answer lists.
const MAX_LISTED: usize = 10_000;

/// What a cycle works on, and by which terms.
pub(crate) struct Cycle<'a> {
    pub(crate) metadata: &'a dyn Metadata,
    pub(crate) blobs: &'a Arc<dyn BlobStore>,
    /// This moment, by the steady time.
    pub(crate) now: Time,
    /// Leases taken at this moment or before are over.
    pub(crate) over: Time,
}

impl Cycle<'_> {
    /// Removes what is garbage, rows first, then bytes; ends early when told to stop.
    pub(crate) async fn run(&self, stop: &CancellationToken) -> gangplank_store::Result<store::Collected> {
        let mut collected = store::Collected::default();
        while !stop.is_cancelled() {
            let step = self.metadata.collect(self.over, self.now, STEP).await?;
            if step == store::Collected::default() {
                break;
            }
            collected.add(&step);
        }
        discarded::remove_all(self.metadata, self.blobs).await?;
        Ok(collected)
    }

    /// Answers an operator.
    pub(crate) async fn answer(&self, dry_run: bool) -> gangplank_store::Result<CollectGarbageResult> {
        if dry_run {
            let garbage = self.metadata.garbage(self.over).await?;
            return Ok(self.announce(garbage));
        }
        let collected = self.run(&CancellationToken::new()).await?;
        Ok(CollectGarbageResult {
            dry_run: false,
            manifests: count(collected.manifests),
            blobs: count(collected.blobs),
            contents: count(collected.contents),
            freed_bytes: bytes(collected.bytes),
            garbage: None,
        })
    }

    fn announce(&self, garbage: Vec<store::Garbage>) -> CollectGarbageResult {
        let number = |kind| garbage.iter().filter(|garbage| garbage.kind == kind).count() as u64;
        let frees = |garbage: &&store::Garbage| {
            garbage.kind == store::GarbageKind::Blob && garbage.frees == garbage.size
        };
        CollectGarbageResult {
            dry_run: true,
            manifests: count(number(store::GarbageKind::Manifest)),
            blobs: count(number(store::GarbageKind::Blob)),
            contents: count(garbage.iter().filter(frees).count() as u64),
            freed_bytes: bytes(garbage.iter().map(|garbage| garbage.frees).sum()),
            garbage: Some(garbage.into_iter().take(MAX_LISTED).map(|garbage| self.shown(garbage)).collect()),
        }
    }

    fn shown(&self, garbage: store::Garbage) -> Garbage {
        let (kind, nothing) = match garbage.kind {
            store::GarbageKind::Manifest => (
                GarbageKind::Manifest,
                "it is not registered, in no index, and about nothing that is here".to_owned(),
            ),
            store::GarbageKind::Blob => (GarbageKind::Blob, "no manifest references it".to_owned()),
        };
        let unused = self.now.0.saturating_sub(garbage.leased_at.0).max(0) / 1000;
        Garbage {
            kind,
            account: garbage.tenant.account.as_str().to_owned(),
            region: garbage.tenant.region.as_str().to_owned(),
            repository: garbage.repository,
            digest: garbage.digest,
            size: bytes(garbage.size),
            unused_seconds: bytes(unused.unsigned_abs()),
            reason: match garbage.reason {
                store::GarbageReason::Unheld => nothing,
                store::GarbageReason::HeldByGarbage(holder) => {
                    format!("only what is garbage itself holds it, such as {holder}")
                }
            },
        }
    }
}

/// When leases are over for an operator who asked for a grace period, or for none in particular. Asked
/// for none at all, no lease counts, not even one taken this moment.
pub(crate) fn over(leases: Leases, grace: Option<Duration>, now: Time) -> Time {
    match grace {
        None => leases.over(now),
        Some(Duration::ZERO) => Time(i64::MAX),
        Some(grace) => now.minus(grace),
    }
}

/// The grace period that a request asks for.
pub(crate) fn grace_of(request: &CollectGarbageRequest) -> Option<Duration> {
    request.grace_seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs)
}

/// Collects in a data directory that no server uses. Time stands still there, so nothing has aged since
/// the server stopped.
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
        over: over(Leases::default(), grace_of(request), now),
    };
    Ok(cycle.answer(request.dry_run.unwrap_or(false)).await?)
}

fn count(number: u64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "exact up to eight petabytes")]
fn bytes(number: u64) -> f64 {
    number as f64
}
