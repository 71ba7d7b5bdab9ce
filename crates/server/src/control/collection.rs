//! Garbage collection, which goes through all accounts: the root account may ask for it.

use gangplank_api::ApiError;
use gangplank_api::gangplank::{CollectGarbageRequest, CollectGarbageResult};
use tokio_util::sync::CancellationToken;

use super::collection_wire::{collected, grace_of, planned};
use super::{Context, Result};
use crate::jobs::collection;

pub(super) async fn collect(
    context: &Context<'_>,
    input: CollectGarbageRequest,
) -> Result<CollectGarbageResult> {
    if !context.tenant.account.is_root() {
        let message =
            "Garbage is collected in all accounts at once, which only the root account may ask for.";
        return Err(ApiError::access_denied(message).into());
    }
    let (app, grace) = (context.app, grace_of(&input));
    if input.dry_run.unwrap_or(false) {
        return Ok(planned(collection::plan(app, grace).await?));
    }
    let done = collection::collect(app, grace, &CancellationToken::new()).await?;
    tracing::info!(
        access_key = %context.access_key, peer = %context.peer, grace = input.grace_seconds,
        manifests = done.manifests, blobs = done.blobs, bytes = done.bytes,
        "collected garbage, as was asked"
    );
    Ok(collected(&done))
}
