//! Reading and deleting blobs.

use gangplank_oci::media_type::OCTET_STREAM;
use gangplank_oci::{Digest, OciError, RangeOutcome, RepositoryName, byte_range};
use gangplank_store::blobs::BlobStore;
use gangplank_store::metadata::blobs::BlobDeleted;
use hyper::StatusCode;
use hyper::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, RANGE};

use super::finish::CONTENT_DIGEST;
use super::{Context, Result, readable};
use crate::http::body::FileBody;
use crate::http::response::Answer;

/// `HEAD …/blobs/<digest>`. A 200 lets the client skip the upload, so the bytes are looked at.
pub(super) async fn head(
    context: &Context<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Answer> {
    let Some(blob) = readable::blob(context, repository, digest).await? else {
        return Err(OciError::blob_unknown(digest).into());
    };
    // One look at an inode: not worth another thread.
    if blob.damaged || context.app.blobs.size(&blob.key)? != Some(blob.size) {
        tracing::error!(%digest, key = %blob.key, "the bytes of a blob are missing, cut short or damaged");
        return Err(OciError::blob_unknown(digest).into());
    }
    Ok(described(StatusCode::OK, digest).content_length(blob.size))
}

/// `GET …/blobs/<digest>`: the bytes, or the range of them that was asked for.
pub(super) async fn get(
    context: &Context<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Answer> {
    let Some(blob) = readable::blob(context, repository, digest).await? else {
        return Err(OciError::blob_unknown(digest).into());
    };
    let (key, size) = (blob.key.clone(), blob.size);
    let open = move |blobs: &dyn BlobStore| match blobs.open(&key)? {
        Some(file) if !blob.damaged && file.metadata()?.len() == size => Ok(Some(file)),
        _ => Ok(None),
    };
    let Some(file) = context.app.blocking(open).await? else {
        tracing::error!(%digest, key = %blob.key, "the bytes of a blob are missing, cut short or damaged");
        return Err(OciError::blob_unknown(digest).into());
    };
    let asked = context.head.headers.get(RANGE).and_then(|range| range.to_str().ok());
    match asked.map_or(RangeOutcome::Whole, |range| byte_range(range, size)) {
        RangeOutcome::Whole => {
            Ok(described(StatusCode::OK, digest).file(FileBody::new(file, 0, size, context.thread)))
        }
        RangeOutcome::Part { first, last } => Ok(described(StatusCode::PARTIAL_CONTENT, digest)
            .header(CONTENT_RANGE, format!("bytes {first}-{last}/{size}"))
            .file(FileBody::new(file, first, last - first + 1, context.thread))),
        RangeOutcome::Unsatisfiable => {
            let refusal = super::Refusal::from(OciError::range_not_satisfiable(size));
            Ok(refusal.into_answer().header(CONTENT_RANGE, format!("bytes */{size}")))
        }
    }
}

/// `DELETE …/blobs/<digest>`: the repository holds it no longer.
pub(super) async fn delete(
    context: &Context<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Answer> {
    match context.noting().delete_blob(&context.grant.tenant, repository, digest).await? {
        BlobDeleted::Deleted => {
            context.app.discarded.notify_one();
            let (tenant, login, peer) = (&context.grant.tenant, context.grant.login.0, context.peer);
            tracing::info!(%tenant, %repository, %digest, login, %peer, "deleted a blob");
            Ok(Answer::new(StatusCode::ACCEPTED))
        }
        BlobDeleted::NoSuchBlob => Err(OciError::blob_unknown(digest).into()),
        BlobDeleted::Registered => {
            let message = "a registered container image needs this blob; delete the image first";
            Err(OciError::denied(message).into())
        }
    }
}

fn described(status: StatusCode, digest: &Digest) -> Answer {
    Answer::new(status)
        .header(CONTENT_TYPE, OCTET_STREAM)
        .header(CONTENT_DIGEST, digest.to_string())
        .header(ACCEPT_RANGES, "bytes")
}
