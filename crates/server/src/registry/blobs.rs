//! Existing blobs: requests that read or delete them.

use std::time::Duration;

use gangplank_core::Access;
use gangplank_oci::media_type::OCTET_STREAM;
use gangplank_oci::{Digest, OciError, RangeOutcome, RepositoryName, byte_range, location};
use gangplank_store::blobs::{ContentKey, Reading};
use gangplank_store::metadata::blobs::{BlobDeleted, StoredBlob};
use hyper::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, HOST, LOCATION, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, StatusCode};

use super::{CONTENT_DIGEST, Context, Refusal, Result, readable};
use crate::http::response::Answer;

/// `HEAD …/blobs/<digest>`. A client skips the upload after a 200, so the stored bytes are checked for their
/// length.
pub(super) async fn head(
    context: &Context<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Answer> {
    let blob = find(context, repository, digest).await?;
    if context.app.blobs.stat(&blob.key).await? != Some(blob.size) {
        return Err(unreliable(digest, &blob));
    }
    Ok(described(StatusCode::OK, digest).content_length(blob.size))
}

/// `GET …/blobs/<digest>`: the whole blob, or the range that the client asked for.
pub(super) async fn get(
    context: &Context<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Answer> {
    let blob = find(context, repository, digest).await?;
    let size = blob.size;
    if let Some(url) = redirect(context, &blob).await? {
        // The URL is a secret, so nobody on the way may keep the answer.
        return Ok(Answer::new(StatusCode::TEMPORARY_REDIRECT)
            .header(LOCATION, url)
            .header(CACHE_CONTROL, "no-store")
            .header(CONTENT_DIGEST, digest.to_string()));
    }
    let asked = context.head.headers.get(RANGE).and_then(|range| range.to_str().ok());
    let outcome = asked.map_or(RangeOutcome::Whole, |range| byte_range(range, size));
    let range = match outcome {
        RangeOutcome::Whole => 0..size,
        RangeOutcome::Part { first, last } => first..last + 1,
        RangeOutcome::Unsatisfiable => 0..0,
    };
    let reading = context.app.blobs.read(&blob.key, range.clone()).await?;
    let Some(Reading { bytes, .. }) = reading.filter(|reading| reading.size == size) else {
        return Err(unreliable(digest, &blob));
    };
    let body = |answer: Answer| answer.content(bytes, range.end - range.start, context.thread);
    match outcome {
        RangeOutcome::Whole => Ok(body(described(StatusCode::OK, digest))),
        RangeOutcome::Part { first, last } => Ok(body(
            described(StatusCode::PARTIAL_CONTENT, digest)
                .header(CONTENT_RANGE, format!("bytes {first}-{last}/{size}")),
        )),
        RangeOutcome::Unsatisfiable => {
            let refusal = Refusal::from(OciError::range_not_satisfiable(size));
            Ok(refusal.into_answer().header(CONTENT_RANGE, format!("bytes */{size}")))
        }
    }
}

/// Smaller blobs are passed on: a second connection would take longer than passing them on.
const REDIRECTED: u64 = 1 << 20;

/// How long the URL is valid for the beginning of a download.
const BEGINS_WITHIN: Duration = Duration::from_mins(10);

/// The URL at the store of bytes, if the client is redirected to it: for whole large blobs, and only with a
/// login that may pull.
async fn redirect(context: &Context<'_>, blob: &StoredBlob) -> Result<Option<String>> {
    let Context { app, grant, head, .. } = context;
    let Some(redirects) = &app.redirects else { return Ok(None) };
    let is_whole = head.method == Method::GET && !head.headers.contains_key(RANGE);
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_whole || blob.size <= REDIRECTED || !grant.scope.pull || redirects.carry_login(host) {
        return Ok(None);
    }
    if app.blobs.stat(&blob.key).await? != Some(blob.size) {
        // The answer is made where the bytes are read.
        return Ok(None);
    }
    Ok(app.blobs.redirect(&blob.key, BEGINS_WITHIN, redirects.endpoint.as_deref()).await?)
}

/// Finds a blob that the login may read or ask for.
///
/// # Errors
/// If the blob is unknown or damaged, if the login may not read it, or if the store fails.
async fn find(context: &Context<'_>, repository: &RepositoryName, digest: &Digest) -> Result<StoredBlob> {
    match readable::blob(context, repository, digest).await? {
        Some(blob) if blob.damaged => Err(unreliable(digest, &blob)),
        Some(blob) => Ok(blob),
        // This login may only read its own configurations. It is not told whether the blob exists.
        None if context.access == Access::OwnConfigurations => Err(context.deny()),
        None => Err(OciError::blob_unknown(digest).into()),
    }
}

/// `DELETE …/blobs/<digest>`: removes the blob from the repository.
pub(super) async fn delete(
    context: &Context<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Answer> {
    match context
        .app
        .metadata
        .delete_blob(&context.origin(), &context.grant.tenant, repository, digest)
        .await?
    {
        BlobDeleted::Deleted => {
            context.app.discarded.notify_one();
            context.record.has_changed(Some(*digest));
            Ok(Answer::new(StatusCode::ACCEPTED))
        }
        BlobDeleted::NoSuchBlob => Err(OciError::blob_unknown(digest).into()),
        BlobDeleted::Registered => {
            let message = "a registered container image needs this blob; delete the image first";
            Err(OciError::denied(message).into())
        }
    }
}

/// The key of the tenant's content with this digest, if its bytes are missing, cut short or damaged. A client
/// must not be told that such a blob exists: it would skip the upload that repairs it.
pub(super) async fn damaged(context: &Context<'_>, digest: &Digest) -> Result<Option<ContentKey>> {
    let Some(known) = context.app.metadata.tenant_content(&context.grant.tenant, digest).await? else {
        return Ok(None);
    };
    let size = context.app.blobs.stat(&known.key).await?;
    Ok((known.damaged || size != Some(known.size)).then_some(known.key))
}

/// A 201 with the blob's URL.
pub(super) fn created(repository: &RepositoryName, digest: &Digest) -> Answer {
    Answer::new(StatusCode::CREATED)
        .header(LOCATION, location::blob(repository, digest))
        .header(CONTENT_DIGEST, digest.to_string())
}

/// Refuses a blob with unreliable bytes as unknown. The client then pushes it again, which repairs it.
fn unreliable(digest: &Digest, blob: &StoredBlob) -> Refusal {
    tracing::error!(%digest, key = %blob.key, "the bytes of a blob are missing, cut short or damaged");
    OciError::blob_unknown(digest).into()
}

fn described(status: StatusCode, digest: &Digest) -> Answer {
    Answer::new(status)
        .header(CONTENT_TYPE, OCTET_STREAM)
        // The console has the same origin. A browser must not take pushed content for one of its pages.
        .header(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(CONTENT_DIGEST, digest.to_string())
        .header(ACCEPT_RANGES, "bytes")
}
