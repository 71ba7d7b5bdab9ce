//! Garbage collection on request. It covers all accounts, so only a root key may ask for it.

use std::time::Duration;

use gangplank_api::gangplank::{CollectGarbageRequest, CollectGarbageResult};
use gangplank_core::EventKind;
use gangplank_store::metadata::audit::Tallied;
use gangplank_store::metadata::collection::Collected;
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
        return Ok(planned(collection::plan(app, grace).await?, app.removal_terms));
    }
    let done = collection::collect(app, grace, &CancellationToken::new()).await?;
    note(context, &done, grace).await?;
    tracing::info!(
        access_key = %context.owner(), peer = %context.peer(), grace = input.grace_seconds,
        manifests = done.manifests, blobs = done.blobs, bytes = done.bytes,
        "collected garbage on request"
    );
    Ok(collected(&done, app.removal_terms))
}

/// Records a requested cycle in the audit trail. A cycle is many transactions, so it is recorded when it has
/// ended.
async fn note(context: &Context<'_>, done: &Collected, grace: Option<Duration>) -> Result<()> {
    let grace = grace.map_or_else(String::new, |grace| format!(", grace period {} s", grace.as_secs()));
    let event = Tallied {
        kind: EventKind::CollectGarbage,
        origin: context.origin(),
        tenant: Some(context.tenant.clone()),
        repository: None,
        digest: None,
        subject: Some(format!("manifests {}, blobs {}{grace}", done.manifests, done.blobs)),
        action: None,
        reason: None,
        count: 1,
    };
    Ok(context.app.metadata.note(vec![event]).await?)
}
