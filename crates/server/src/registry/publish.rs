//! From staged content to a blob: the digest is right, the bytes are durable, then the row.

use std::sync::atomic::Ordering::Release;

use gangplank_oci::{Digest, Hasher, OciError, RepositoryName};
use gangplank_store::StoreError;
use gangplank_store::blobs::{BlobStore, ContentKey, Staged};
use gangplank_store::metadata::blobs::NewBlob;

use super::ingest::hash_staged;
use super::upload_session::owner;
use super::{Context, Result, damaged};

/// Content that came in whole.
pub(super) struct Complete {
    pub(super) key: ContentKey,
    /// `None` if the last request brought no bytes: then what is staged is opened only to be published.
    pub(super) staged: Option<Box<dyn Staged>>,
    pub(super) hasher: Hasher,
    /// The upload session that ends with it.
    pub(super) session: Option<String>,
}

/// Makes the content a blob of the repository.
///
/// # Errors
/// If the content has another digest, its session has ended, or the store fails; nothing is stored then.
pub(super) async fn publish(
    context: &Context<'_>,
    repository: &RepositoryName,
    expected: &Digest,
    content: Complete,
) -> Result<()> {
    let Context { app, grant, .. } = context;
    let Complete { key, staged, hasher, session } = content;
    let size = hasher.hashed();
    let hasher = if hasher.algorithm() == expected.algorithm() {
        hasher
    } else {
        hash_staged(app, &key, expected.algorithm(), size).await?
    };
    let computed = hasher.finish();
    if computed != *expected {
        return Err(OciError::digest_mismatch(expected, &computed).into());
    }
    let damaged = damaged::content(context, expected).await?;
    let on_its_way = app.publishing.begin(&key);
    let staged_key = key.clone();
    let publish = move |blobs: &dyn BlobStore| match staged {
        Some(staged) => staged.publish(),
        None => blobs.stage(&staged_key, size)?.publish(),
    };
    if let Err(error) = app.blocking(publish).await {
        if let Some(id) = &session
            && let Ok(None) = app.metadata.upload(&owner(context, repository), id).await
        {
            // Its bytes went with its session.
            remove(context, key).await;
            return Err(OciError::blob_upload_unknown().into());
        }
        app.orphaned.store(true, Release);
        return Err(error.into());
    }
    let blob = NewBlob {
        digest: *expected,
        size,
        key: key.clone(),
        damaged,
        put_by: context.pusher(),
        session,
        quotas: app.quotas,
    };
    let kept = match app.metadata.add_blob(&grant.tenant, repository, blob, app.clock.steady()).await {
        // The row is certainly not there, so the bytes are garbage, and take the space it needs.
        Err(error @ (StoreError::Full(_) | StoreError::OverQuota(_))) => {
            remove(context, key).await;
            return Err(error.into());
        }
        Ok(None) => {
            remove(context, key).await;
            return Err(OciError::blob_upload_unknown().into());
        }
        // Here the row may be there or not: only a start that has read the log again can tell.
        Err(error) => {
            app.orphaned.store(true, Release);
            on_its_way.stays_on_its_way();
            return Err(error.into());
        }
        Ok(Some(kept)) => kept,
    };
    drop(on_its_way);
    if kept != key {
        app.discarded.notify_one();
    }
    context.record.has_changed(Some(*expected));
    Ok(())
}

/// Removes what was published and has no row.
async fn remove(context: &Context<'_>, key: ContentKey) {
    let app = context.app;
    if let Err(error) = app.blocking(move |blobs| blobs.remove(&key)).await {
        tracing::warn!(%error, "cannot remove content that has no row; the next start will");
        app.orphaned.store(true, Release);
    }
}
