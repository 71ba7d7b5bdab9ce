//! Pushing blobs: whole, in one stream, or in chunks that can be resumed.

use gangplank_oci::{Algorithm, Digest, Hasher, RepositoryName};
use gangplank_store::blobs::ContentKey;
use hyper::StatusCode;
use hyper::body::Incoming;

use super::ingest::{Ingested, ingest};
use super::mount::{Mount, mount};
use super::publish::{Complete, publish};
use super::upload_append::Append;
use super::upload_session::{self, Session, discard};
use super::{Context, Result, blobs};
use crate::http::response::Answer;

/// `POST …/uploads/?digest=…`: the whole blob in one request.
pub(super) async fn whole(
    context: &Context<'_>,
    repository: &RepositoryName,
    digest: &Digest,
    body: Incoming,
) -> Result<Answer> {
    let key = ContentKey::unused();
    let stored = async {
        let ingested = ingest(context, &key, Hasher::new(digest.algorithm()), body, None).await?;
        let Ingested { staged, hasher, cut } = ingested;
        if let Some(cut) = cut {
            return Err(cut.refusal(context.app).into());
        }
        let content = Complete { key: key.clone(), staged, hasher, session: None };
        publish(context, repository, digest, content).await
    };
    match stored.await {
        Ok(()) => Ok(blobs::created(repository, digest)),
        Err(refusal) => {
            discard(context, key).await;
            Err(refusal)
        }
    }
}

/// `POST …/uploads/`: mounts the blob if it can, else opens a session.
pub(super) async fn start(
    context: &Context<'_>,
    repository: &RepositoryName,
    wanted: Option<Mount>,
    algorithm: Option<Algorithm>,
) -> Result<Answer> {
    if let Some(wanted) = wanted
        && mount(context, repository, &wanted).await?
    {
        return Ok(blobs::created(repository, &wanted.digest));
    }
    let algorithm = algorithm.unwrap_or(Algorithm::Sha256);
    let standing = upload_session::open(context, repository, algorithm).await?;
    Ok(standing.answer(StatusCode::ACCEPTED))
}

/// `GET …/uploads/<session>`: how much has been received.
pub(super) async fn status(context: &Context<'_>, repository: &RepositoryName, id: &str) -> Result<Answer> {
    let standing = upload_session::status(context, repository, id).await?;
    Ok(standing.answer(StatusCode::NO_CONTENT))
}

/// `PATCH …/uploads/<session>`: the next chunk, or all of it in one stream.
pub(super) async fn chunk(
    context: &Context<'_>,
    repository: &RepositoryName,
    id: &str,
    body: Incoming,
) -> Result<Answer> {
    let append = Append::begin(context, repository, id, body, None).await?;
    let standing = append.advance().await?;
    Ok(standing.answer(StatusCode::ACCEPTED))
}

/// `PUT …/uploads/<session>?digest=…`: the last bytes, if any, and the digest of it all.
pub(super) async fn finish(
    context: &Context<'_>,
    repository: &RepositoryName,
    id: &str,
    digest: &Digest,
    body: Incoming,
) -> Result<Answer> {
    let append = Append::begin(context, repository, id, body, Some(digest.algorithm())).await?;
    append.publish(digest).await?;
    Ok(blobs::created(repository, digest))
}

/// `DELETE …/uploads/<session>`: gives the upload up.
pub(super) async fn cancel(context: &Context<'_>, repository: &RepositoryName, id: &str) -> Result<Answer> {
    Session::lock(context, repository, id).await?.cancel().await?;
    Ok(Answer::new(StatusCode::NO_CONTENT))
}
