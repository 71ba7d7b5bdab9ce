//! Garbage collection, which goes through all accounts: the root account may ask for it.

use gangplank_api::ApiError;
use gangplank_api::gangplank::{CollectGarbageRequest, CollectGarbageResult};

use super::{Context, Result};
use crate::jobs;

pub(super) async fn collect(
    context: &Context<'_>,
    input: CollectGarbageRequest,
) -> Result<CollectGarbageResult> {
    if !context.tenant.account.is_root() {
        let message =
            "Garbage is collected in all accounts at once, which only the root account may ask for.";
        return Err(ApiError::access_denied(message).into());
    }
    let result = jobs::collection::asked(context.app, &input).await?;
    if !result.dry_run {
        tracing::info!(
            access_key = %context.access_key, peer = %context.peer, grace = input.grace_seconds,
            manifests = result.manifests, blobs = result.blobs, bytes = result.freed_bytes,
            "collected garbage, as was asked"
        );
    }
    Ok(result)
}
