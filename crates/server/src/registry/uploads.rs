//! Uploads of blobs: whole, in one stream, or in resumable chunks.

use gangplank_oci::{Algorithm, Digest, RepositoryName, location};
use gangplank_store::metadata::blobs::SeenBlob;
use http_body_util::BodyExt as _;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{HeaderName, LOCATION, RANGE};

use super::mount::{Mount, mount};
use super::upload_append::Append;
use super::upload_session::{self, Session};
use super::{Context, Result, blobs, upload_whole};
use crate::http::response::Answer;

const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// How much of an upload has been received, in headers that let its client resume.
#[derive(Debug)]
pub(super) struct Standing([(HeaderName, String); 3]);

impl Standing {
    /// The progress after `received` bytes. `Range` cannot express "nothing yet", and clients expect `0-0` for
    /// it.
    pub(super) fn new(repository: &RepositoryName, id: &str, received: u64) -> Self {
        Self([
            (LOCATION, location::upload(repository, id)),
            (RANGE, format!("0-{}", received.saturating_sub(1))),
            (UPLOAD_UUID, id.to_owned()),
        ])
    }

    /// An answer with only these headers.
    fn answer(self, status: StatusCode) -> Answer {
        self.add_to(Answer::new(status))
    }

    /// Adds the headers to an answer.
    pub(super) fn add_to(self, answer: Answer) -> Answer {
        self.0.into_iter().fold(answer, |answer, (name, value)| answer.header(name, value))
    }
}

/// `POST …/uploads/?digest=…`: the whole blob in one request.
pub(super) async fn whole(
    context: &Context<'_>,
    repository: &RepositoryName,
    digest: &Digest,
    body: Incoming,
) -> Result<Answer> {
    upload_whole::store(context, repository, digest, body).await?;
    Ok(blobs::created(repository, digest))
}

/// `POST …/uploads/`: mounts the blob if possible, otherwise opens a session.
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

/// `GET …/uploads/<session>`: how many bytes have been received.
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

/// `PUT …/uploads/<session>?digest=…`: the last bytes, if any, and the digest of the whole blob.
pub(super) async fn finish(
    context: &Context<'_>,
    repository: &RepositoryName,
    id: &str,
    digest: &Digest,
    body: Incoming,
) -> Result<Answer> {
    if is_finished(context, repository, id, digest).await? {
        drain(context, body).await;
        return Ok(blobs::created(repository, digest));
    }
    let append = match Append::begin(context, repository, id, body, Some(digest.algorithm())).await {
        Ok(append) => append,
        // The request that finished the upload was still running when this one began.
        Err(_) if is_finished(context, repository, id, digest).await? => {
            return Ok(blobs::created(repository, digest));
        }
        Err(refusal)
            if refusal.is_of_nothing() && may_be_finished_elsewhere(context, repository, digest).await? =>
        {
            return Ok(blobs::created(repository, digest));
        }
        Err(refusal) => return Err(refusal),
    };
    append.publish(digest).await?;
    Ok(blobs::created(repository, digest))
}

/// Whether the caller finished this session recently, and the blob still exists.
async fn is_finished(
    context: &Context<'_>,
    repository: &RepositoryName,
    id: &str,
    digest: &Digest,
) -> Result<bool> {
    let app = context.app;
    let (owner, now) = (upload_session::owner(context, repository), app.clock.steady());
    if !app.finished_uploads.has(id, &owner, digest, now) {
        return Ok(false);
    }
    let renewal = Some(app.leases.renewal(now));
    let found = app.metadata.find_blob(&owner.tenant, repository, digest, renewal).await?;
    Ok(found.is_some_and(|blob| !blob.damaged))
}

/// Whether another process may have finished a session that is over. This process does not remember what
/// another one finished. But the blob is there, and the caller may know that it exists. So the answer is true.
async fn may_be_finished_elsewhere(
    context: &Context<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<bool> {
    let Context { app, grant, .. } = context;
    if !app.claims.are_shared() {
        return Ok(false);
    }
    let (tenant, renewal) = (&grant.tenant, Some(app.leases.renewal(app.clock.steady())));
    let found = match context.pusher() {
        None => app.metadata.find_blob(tenant, repository, digest, renewal).await?,
        Some(login) => {
            let seen = app.metadata.find_blob_seen_by(login, tenant, repository, digest, renewal).await?;
            seen.filter(SeenBlob::may_be_known).map(|seen| seen.blob)
        }
    };
    Ok(found.is_some_and(|blob| !blob.damaged))
}

/// Reads the body of a repeated request to its end. Otherwise the client might not get to read the answer.
async fn drain(context: &Context<'_>, mut body: Incoming) {
    let (mut left, stall) = (context.app.limits.blob_bytes, context.app.limits.body_stall);
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(stall, body.frame()).await {
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        let Some(rest) = left.checked_sub(length) else { break };
        left = rest;
    }
}

/// `DELETE …/uploads/<session>`: cancels the upload.
pub(super) async fn cancel(context: &Context<'_>, repository: &RepositoryName, id: &str) -> Result<Answer> {
    Session::claim(context, repository, id).await?.cancel().await?;
    Ok(Answer::new(StatusCode::NO_CONTENT))
}
