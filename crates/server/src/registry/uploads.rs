//! Pushing blobs: whole, in one stream, or in chunks that can be resumed.

use gangplank_core::upload::{self, ChunkRefusal};
use gangplank_oci::{Algorithm, ContentRange, Digest, Hasher, OciError, RepositoryName, location};
use gangplank_store::blobs::ContentKey;
use gangplank_store::metadata::uploads::{UploadOwner, UploadSession};
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_RANGE, HeaderName, LOCATION, RANGE};

use super::finish::{self, Complete};
use super::ingest::{Ingested, ingest};
use super::refusal::Refusal;
use super::{Context, Result};
use crate::http::response::Answer;

const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// `POST …/uploads/?digest=…`: the whole blob in one request.
pub(super) async fn whole(
    context: &Context<'_>,
    repository: &RepositoryName,
    digest: &Digest,
    body: Incoming,
) -> Result<Answer> {
    let key = ContentKey::unused();
    let stored = async {
        let ingested = ingest(context.app, &key, Hasher::new(digest.algorithm()), body).await?;
        let Ingested { staged, hasher, cut } = ingested;
        if let Some(cut) = cut {
            return Err(cut.into());
        }
        let content = Complete { key: key.clone(), staged, hasher, session: None, of_earlier_run: false };
        finish::finish(context, repository, digest, content).await
    };
    match stored.await {
        Ok(answer) => Ok(answer),
        Err(refusal) => {
            discard(context, key).await;
            Err(refusal)
        }
    }
}

/// A blob that the registry may have already.
pub(super) struct Mount {
    pub(super) digest: Digest,
    /// The repository that has it; anywhere if `None`.
    pub(super) from: Option<RepositoryName>,
}

/// `POST …/uploads/`: mounts the blob if it can, else opens a session.
pub(super) async fn start(
    context: &Context<'_>,
    repository: &RepositoryName,
    mount: Option<Mount>,
    algorithm: Option<Algorithm>,
) -> Result<Answer> {
    let Context { app, grant, .. } = context;
    let now = app.clock.now();
    if let Some(Mount { digest, from }) = mount
        // Without `from`, a mount asks whether the account has the blob anywhere: an answer for
        // logins that may read everywhere.
        && (from.is_some() || grant.scope.pull)
        && app.metadata.mount_blob(&grant.tenant, repository, from.as_ref(), &digest, now).await?
    {
        return Ok(finish::created(repository, &digest));
    }
    let key = ContentKey::unused();
    let session = UploadSession {
        id: key.as_str().to_owned(),
        received: 0,
        hash_state: state(&Hasher::new(algorithm.unwrap_or(Algorithm::Sha256))),
        run: app.run.clone(),
        created_at: now,
        touched_at: now,
    };
    let id = session.id.clone();
    if !app.metadata.open_upload(&owner(context, repository), session, app.quotas.open_uploads).await? {
        return Err(Refusal::too_many("the account has too many uploads open; finish or cancel some", 60));
    }
    Ok(progress(StatusCode::ACCEPTED, repository, &id, 0))
}

/// `GET …/uploads/<session>`: how much has been received.
pub(super) async fn status(
    context: &Context<'_>,
    repository: &RepositoryName,
    session: &str,
) -> Result<Answer> {
    let found = find(context, repository, session).await?;
    Ok(progress(StatusCode::NO_CONTENT, repository, &found.id, found.received))
}

/// `PATCH …/uploads/<session>`: the next chunk, or all of it in one stream.
pub(super) async fn chunk(
    context: &Context<'_>,
    repository: &RepositoryName,
    session: &str,
    body: Incoming,
) -> Result<Answer> {
    let _lock = lock(context, session).await?;
    let found = find(context, repository, session).await?;
    if let Err(refusal) = check_range(context, &found, &body) {
        return Ok(misplaced(refusal, repository, &found));
    }
    let key = content_key(&found)?;
    let before = found.received;
    let ingested = ingest(context.app, &key, resume(&found)?, body).await?;
    if let Some(cut) = ingested.cut.as_ref().filter(|cut| cut.status == 413) {
        close(context, repository, found.id).await?;
        return Err(cut.clone().into());
    }
    let received = ingested.hasher.hashed();
    let advanced = UploadSession {
        received,
        hash_state: state(&ingested.hasher),
        touched_at: context.app.clock.now(),
        ..found
    };
    let id = advanced.id.clone();
    if !context.app.metadata.advance_upload(&owner(context, repository), before, advanced).await? {
        return Err(OciError::blob_upload_unknown().into());
    }
    match ingested.cut {
        Some(cut) => Err(cut.into()),
        None => Ok(progress(StatusCode::ACCEPTED, repository, &id, received)),
    }
}

/// `PUT …/uploads/<session>?digest=…`: the last bytes, if any, and the digest of it all.
pub(super) async fn finish(
    context: &Context<'_>,
    repository: &RepositoryName,
    session: &str,
    digest: &Digest,
    body: Incoming,
) -> Result<Answer> {
    let _lock = lock(context, session).await?;
    let found = find(context, repository, session).await?;
    if let Err(refusal) = check_range(context, &found, &body) {
        return Ok(misplaced(refusal, repository, &found));
    }
    let key = content_key(&found)?;
    let id = found.id.clone();
    let stored = async {
        // A session that was never fed can still choose its hash.
        let hasher = if found.received == 0 { Hasher::new(digest.algorithm()) } else { resume(&found)? };
        let Ingested { staged, hasher, cut } = ingest(context.app, &key, hasher, body).await?;
        if let Some(cut) = cut {
            return Err(cut.into());
        }
        let of_earlier_run = found.run != context.app.run;
        let content = Complete { key, staged, hasher, session: Some(found.id), of_earlier_run };
        finish::finish(context, repository, digest, content).await
    };
    match stored.await {
        Ok(answer) => Ok(answer),
        Err(refusal) => {
            // What was staged is not what the client says it is, or could not be kept.
            close(context, repository, id).await?;
            Err(refusal)
        }
    }
}

/// `DELETE …/uploads/<session>`: gives the upload up.
pub(super) async fn cancel(
    context: &Context<'_>,
    repository: &RepositoryName,
    session: &str,
) -> Result<Answer> {
    let _lock = lock(context, session).await?;
    let found = find(context, repository, session).await?;
    close(context, repository, found.id).await?;
    Ok(Answer::new(StatusCode::NO_CONTENT))
}

fn owner(context: &Context<'_>, repository: &RepositoryName) -> UploadOwner {
    UploadOwner {
        tenant: context.grant.tenant.clone(),
        repository: repository.clone(),
        access_key: context.grant.access_key.clone(),
    }
}

async fn lock<'a>(context: &Context<'a>, session: &str) -> Result<super::upload_locks::SessionLock<'a>> {
    let busy =
        || OciError::blob_upload_range("another request is writing to this upload; ask for its status");
    context.app.upload_locks.take(session).await.ok_or_else(|| busy().into())
}

async fn find(context: &Context<'_>, repository: &RepositoryName, session: &str) -> Result<UploadSession> {
    let found = context.app.metadata.upload(&owner(context, repository), session).await?;
    let now = context.app.clock.now();
    found
        .filter(|found| !upload::is_over(found.created_at, found.touched_at, now))
        .ok_or_else(|| OciError::blob_upload_unknown().into())
}

/// Ends a session and its bytes.
async fn close(context: &Context<'_>, repository: &RepositoryName, session: String) -> Result<()> {
    context.app.metadata.close_upload(&owner(context, repository), &session).await?;
    if let Some(key) = ContentKey::parse(&session) {
        discard(context, key).await;
    }
    Ok(())
}

async fn discard(context: &Context<'_>, key: ContentKey) {
    if let Err(error) = context.app.blocking(move |blobs| blobs.discard_staged(&key)).await {
        // The next start sweeps it up.
        tracing::warn!(%error, "cannot discard staged content");
    }
}

/// Holds a chunk's `Content-Range`, if it has one, against the session.
fn check_range(
    context: &Context<'_>,
    session: &UploadSession,
    body: &Incoming,
) -> std::result::Result<(), OciError> {
    let Some(header) = context.head.headers.get(CONTENT_RANGE) else { return Ok(()) };
    let range =
        header.to_str().ok().and_then(|text| ContentRange::parse(text).ok()).ok_or_else(|| {
            OciError::blob_upload_invalid("Content-Range is written <first byte>-<last byte>")
        })?;
    let received = session.received;
    upload::check_chunk(received, range.first, range.last, body.size_hint().exact()).map_err(|refusal| {
        OciError::blob_upload_range(match refusal {
            ChunkRefusal::OutOfOrder => {
                format!("the chunk starts at byte {}, but the upload stands at {received}", range.first)
            }
            ChunkRefusal::LengthMismatch => "the body is not as long as Content-Range says".to_owned(),
        })
    })
}

/// Refuses a chunk and says where the upload stands, so that the client can go on from there.
fn misplaced(refusal: OciError, repository: &RepositoryName, session: &UploadSession) -> Answer {
    standing(Refusal::from(refusal).into_answer(), repository, &session.id, session.received)
}

fn content_key(session: &UploadSession) -> Result<ContentKey> {
    ContentKey::parse(&session.id).ok_or_else(|| OciError::blob_upload_unknown().into())
}

fn resume(session: &UploadSession) -> Result<Hasher> {
    let hasher =
        Hasher::resume(&session.hash_state).ok().filter(|hasher| hasher.hashed() == session.received);
    // A newer program may not read an older one's hash state: the client starts this blob anew.
    hasher.ok_or_else(|| OciError::blob_upload_unknown().into())
}

fn state(hasher: &Hasher) -> Vec<u8> {
    hasher.state().unwrap_or_default()
}

fn progress(status: StatusCode, repository: &RepositoryName, session: &str, received: u64) -> Answer {
    standing(Answer::new(status), repository, session, received)
}

/// Says where an upload stands. `Range` cannot say "nothing yet"; clients expect `0-0` for it.
fn standing(answer: Answer, repository: &RepositoryName, session: &str, received: u64) -> Answer {
    answer
        .header(LOCATION, location::upload(repository, session))
        .header(RANGE, format!("0-{}", received.saturating_sub(1)))
        .header(UPLOAD_UUID, session)
}
