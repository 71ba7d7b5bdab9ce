//! From staged content to a blob: the digest is right, the bytes are durable, then the row.

use std::sync::atomic::Ordering::Release;

use gangplank_oci::{Digest, Hasher, OciError, RepositoryName, location};
use gangplank_store::StoreError;
use gangplank_store::blobs::{ContentKey, Staged};
use gangplank_store::metadata::blobs::NewBlob;
use hyper::StatusCode;
use hyper::header::{HeaderName, LOCATION};

use super::ingest::hash_staged;
use super::{Context, Result};
use crate::http::response::Answer;

/// The header that names content.
pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// Content that came in whole.
pub(super) struct Complete {
    pub(super) key: ContentKey,
    pub(super) staged: Box<dyn Staged>,
    pub(super) hasher: Hasher,
    /// The upload session that ends with it.
    pub(super) session: Option<String>,
}

/// Makes the content a blob of the repository, and answers 201.
///
/// # Errors
/// If the content has another digest, or the store fails; nothing is stored then.
pub(super) async fn finish(
    context: &Context<'_>,
    repository: &RepositoryName,
    expected: &Digest,
    content: Complete,
) -> Result<Answer> {
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
    let damaged = damaged_content(context, expected).await?;
    let on_its_way = app.publishing.begin(&key);
    app.blocking(move |_| staged.publish()).await.inspect_err(|_| app.orphaned.store(true, Release))?;
    let blob = NewBlob { digest: *expected, size, key: key.clone(), damaged, session };
    let kept = match app.metadata.add_blob(&grant.tenant, repository, blob, app.clock.steady()).await {
        // The row is certainly not there, so the bytes are garbage, and take the space it needs.
        Err(error @ StoreError::Full(_)) => {
            if let Err(error) = app.blocking(move |blobs| blobs.remove(&key)).await {
                tracing::warn!(%error, "cannot remove content that has no row; the next start will");
                app.orphaned.store(true, Release);
            }
            return Err(error.into());
        }
        // Here the row may be there or not: only a start that has read the log again can tell.
        Err(error) => {
            app.orphaned.store(true, Release);
            on_its_way.stays_on_its_way();
            return Err(error.into());
        }
        Ok(kept) => kept,
    };
    drop(on_its_way);
    if kept != key {
        app.discarded.notify_one();
    }
    let (tenant, login, peer) = (&grant.tenant, grant.login.0, context.peer);
    tracing::info!(%tenant, %repository, digest = %expected, size, login, %peer, "stored a blob");
    Ok(created(repository, expected))
}

/// 201 with the blob's address.
pub(super) fn created(repository: &RepositoryName, digest: &Digest) -> Answer {
    Answer::new(StatusCode::CREATED)
        .header(LOCATION, location::blob(repository, digest))
        .header(CONTENT_DIGEST, digest.to_string())
}

/// Whether the tenant's content of this digest cannot be relied on. Acknowledging it would make the
/// client skip the upload that mends it.
pub(super) async fn is_damaged(context: &Context<'_>, digest: &Digest) -> Result<bool> {
    Ok(damaged_content(context, digest).await?.is_some())
}

/// The tenant's content of this digest, if its bytes are missing, cut short or damaged: the new ones
/// then take their place.
async fn damaged_content(context: &Context<'_>, digest: &Digest) -> Result<Option<ContentKey>> {
    let Some(known) = context.app.metadata.tenant_content(&context.grant.tenant, digest).await? else {
        return Ok(None);
    };
    let key = known.key.clone();
    let size = context.app.blocking(move |blobs| blobs.size(&key)).await?;
    Ok((known.damaged || size != Some(known.size)).then_some(known.key))
}
