//! Makes a blob from staged content. The digest is checked first, then the bytes are made durable, then the row
//! is written.

use std::sync::atomic::Ordering::Release;

use gangplank_oci::{Digest, OciError, RepositoryName};
use gangplank_store::StoreError;
use gangplank_store::blobs::{BlobWriter, ContentKey};
use gangplank_store::metadata::blobs::NewBlob;

use super::upload_session::Session;
use super::{Context, Result, blobs};
use crate::hashing;

/// Content that has arrived completely.
pub(super) struct Complete<'s, 'c> {
    pub(super) key: ContentKey,
    /// The writer has all bytes of the content.
    pub(super) writer: Box<dyn BlobWriter>,
    /// The upload session that ends with this content.
    pub(super) session: Option<&'s Session<'c>>,
}

/// Makes the content a blob of the repository.
///
/// # Errors
/// If the content has another digest, if its session has ended or another request has it, or if the store
/// fails. Nothing is stored then.
pub(super) async fn publish(
    context: &Context<'_>,
    repository: &RepositoryName,
    expected: &Digest,
    content: Complete<'_, '_>,
) -> Result<()> {
    let Context { app, grant, .. } = context;
    let Complete { key, writer, session } = content;
    let hasher = writer.hasher().clone();
    let (size, is_hashed_so) = (hasher.hashed(), hasher.algorithm() == expected.algorithm());
    if is_hashed_so {
        require(expected, &hasher.finish())?;
    }
    let damaged = blobs::damaged(context, expected).await?;
    if let Some(session) = session {
        session.confirm_to_publish().await?;
    }
    let on_its_way = app.publishing.begin(&key);
    if let Some(session) = session {
        session.publishes();
    }
    let committed = tokio::select! {
        biased;
        committed = writer.commit() => committed,
        () = lost(session) => Err(StoreError::unavailable("another process has claimed the upload")),
    };
    let published = match committed {
        Ok(published) => published,
        Err(error) => {
            if let Some(session) = session
                && session.has_ended().await
            {
                // The session has ended, and its bytes are garbage.
                remove_unknown(context, key).await?;
                return Err(OciError::blob_upload_unknown().into());
            }
            app.orphaned.store(true, Release);
            return Err(match error {
                // The bytes are not those that the session counted. The client has to upload this blob again.
                StoreError::Damaged(_) if session.is_some() => OciError::blob_upload_unknown().into(),
                error => error.into(),
            });
        }
    };
    if !is_hashed_so && let Err(refusal) = read_back(context, &published, size, expected).await {
        remove_own(context, published, session).await;
        return Err(refusal);
    }
    let blob = NewBlob {
        digest: *expected,
        size,
        key: published.clone(),
        damaged,
        put_by: context.pusher(),
        session: session.map(Session::fed_by),
        within: app.blobs.publishes_within(),
        quotas: app.quotas,
    };
    let kept = match app.metadata.add_blob(&grant.tenant, repository, blob, app.clock.steady()).await {
        // The row certainly does not exist. So the bytes are garbage, and take up space that is needed.
        Err(error @ (StoreError::Full(_) | StoreError::OverQuota(_))) => {
            remove_own(context, published, session).await;
            return Err(error.into());
        }
        Ok(None) => {
            remove_unknown(context, published).await?;
            return Err(OciError::blob_upload_unknown().into());
        }
        // Nobody knows whether the row exists. Only the next start can find out, after it has read the database's
        // log.
        Err(error) => {
            app.orphaned.store(true, Release);
            on_its_way.stays_on_its_way();
            return Err(error.into());
        }
        Ok(Some(kept)) => kept,
    };
    drop(on_its_way);
    if session.is_some_and(Session::is_lost) {
        // The writer that has the session now may have stored the same blob. This request must not report that.
        return Err(OciError::blob_upload_unknown().into());
    }
    if kept != published || session.is_some_and(|session| session.has_more_than(&kept)) {
        app.discarded.notify_one();
    }
    context.record.has_changed(Some(*expected));
    Ok(())
}

/// Checks published content against a digest whose algorithm was not used while the content arrived.
async fn read_back(context: &Context<'_>, key: &ContentKey, size: u64, expected: &Digest) -> Result<()> {
    let reading = context.app.blobs.read(key, 0..size).await?;
    let reading = reading.ok_or_else(|| StoreError::damaged("what was published is not there"))?;
    let hasher = hashing::hash(reading.bytes, expected.algorithm(), None).await.map_err(StoreError::from)?;
    require(expected, &hasher.ok_or_else(|| StoreError::unavailable("the reading was ended"))?.finish())
}

fn require(expected: &Digest, computed: &Digest) -> Result<()> {
    if computed == expected {
        return Ok(());
    }
    Err(OciError::digest_mismatch(expected, computed).into())
}

/// Removes content that may have been published for a session that has ended. If another process has made it a
/// blob, it is not removed here.
async fn remove_unknown(context: &Context<'_>, key: ContentKey) -> Result<()> {
    for key in context.app.metadata.unknown_content(vec![key]).await? {
        remove(context, key).await;
    }
    Ok(())
}

/// Removes published content that got no row. If the session's row decides about the bytes, the bytes are
/// removed with that row.
async fn remove_own(context: &Context<'_>, key: ContentKey, session: Option<&Session<'_>>) {
    if session.is_none() || !context.app.blobs.keeps_checkpoints() {
        remove(context, key).await;
    }
}

/// Returns when another process has claimed the session.
pub(super) async fn lost(session: Option<&Session<'_>>) {
    match session {
        Some(session) => session.lost().await,
        None => std::future::pending().await,
    }
}

/// Removes published content that has no row.
async fn remove(context: &Context<'_>, key: ContentKey) {
    let app = context.app;
    for removed in app.blobs.remove(&[key]).await {
        if let Err(error) = removed {
            tracing::warn!(%error, "cannot remove content that has no row; the next start will");
            app.orphaned.store(true, Release);
        }
    }
}
