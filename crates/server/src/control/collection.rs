//! Garbage collection, which goes through all accounts: a root key may ask for it.

use gangplank_api::gangplank::{CollectGarbageRequest, CollectGarbageResult};
use tokio_util::sync::CancellationToken;

use super::collection_wire::{collected, grace_of, planned};
use super::{Context, Result};
use crate::jobs::collection;

pub(super) async fn collect(
    context: &Context<'_>,
    input: CollectGarbageRequest,
) -> Result<CollectGarbageResult> {
    let (app, grace) = (context.app, grace_of(&input));
    if input.dry_run.unwrap_or(false) {
        return Ok(planned(collection::plan(app, grace).await?));
    }
    let done = collection::collect(app, grace, &CancellationToken::new()).await?;
    tracing::info!(
        owner = %context.owner(), peer = %context.peer(), grace = input.grace_seconds,
        manifests = done.manifests, blobs = done.blobs, bytes = done.bytes,
        "collected garbage, as was asked"
    );
    Ok(collected(&done))
}
