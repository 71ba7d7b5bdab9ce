//! Pushing blobs: whole, in one stream, or in chunks that can be resumed.

use std::pin::pin;
use std::time::Duration;

use gangplank_core::upload::{self, ChunkRefusal};
use gangplank_oci::{Algorithm, ContentRange, Digest, Hasher, OciError, RepositoryName, location};
use gangplank_store::blobs::{ContentKey, Staged};
use gangplank_store::metadata::uploads::{UploadOwner, UploadSession};
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_RANGE, HeaderName, LOCATION, RANGE};

use super::finish::{self, Complete};
use super::ingest::{Cut, Ingested, ingest};
use super::refusal::Refusal;
use super::{Context, Result};
use crate::http::response::Answer;

const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// How often a session is touched while a body is coming.
const TOUCH: Duration = Duration::from_mins(10);

/// `POST …/uploads/?digest=…`: the whole blob in one request.
pub(super) async fn whole(
    context: &Context<'_>,
    repository: &RepositoryName,
    digest: &Digest,
    body: Incoming,
) -> Result<Answer> {
    let key = ContentKey::unused();
    let stored = async {
        let ingested = ingest(context.app, &key, Hasher::new(digest.algorithm()), body, None).await?;
        let Ingested { staged, hasher, cut } = ingested;
        if let Some(cut) = cut {
            return Err(cut.refusal(context.app).into());
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
    let now = app.clock.steady();
    if let Some(Mount { digest, from }) = mount
        // Without `from`, a mount asks whether the account has the blob anywhere: an answer for
        // logins that may read everywhere.
        && (from.is_some() || grant.scope.pull)
        && !finish::is_damaged(context, &digest).await?
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
    find(context, repository, session).await?;
    // Who asks has often just been cut off. What is still coming in from then counts, or the upload
    // would go on in the wrong place.
    let _lock = context.app.upload_locks.take(session).await;
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
    let expected = match check_range(context, &found, &body) {
        Ok(expected) => expected,
        Err(refusal) => return Ok(misplaced(refusal, repository, &found)),
    };
    let hasher = resume(&found)?;
    let (_, hasher) = append(context, repository, &found, hasher, body, expected).await?;
    advance(context, repository, &found, &hasher).await?;
    Ok(progress(StatusCode::ACCEPTED, repository, &found.id, hasher.hashed()))
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
    let expected = match check_range(context, &found, &body) {
        Ok(expected) => expected,
        Err(refusal) => return Ok(misplaced(refusal, repository, &found)),
    };
    let key = content_key(&found)?;
    // A session that was never fed can still choose its hash.
    let hasher = if found.received == 0 { Hasher::new(digest.algorithm()) } else { resume(&found)? };
    let (staged, hasher) = append(context, repository, &found, hasher, body, expected).await?;
    let (session, of_earlier_run) = (Some(found.id.clone()), found.run != context.app.run);
    let content = Complete { key, staged, hasher, session, of_earlier_run };
    let finished = finish::finish(context, repository, digest, content).await;
    if finished.is_err() {
        // What was staged is not what the client says it is, or could not be kept.
        give_up(context, repository, &found.id).await;
    }
    finished
}

/// Appends a body to a session. If it ended early, the session goes on behind what had come; if it
/// is of the wrong length, where it stood; if it is too long or cannot be kept, the session ends.
async fn append(
    context: &Context<'_>,
    repository: &RepositoryName,
    session: &UploadSession,
    hasher: Hasher,
    body: Incoming,
    expected: Option<u64>,
) -> Result<(Box<dyn Staged>, Hasher)> {
    let key = content_key(session)?;
    let mut ingesting = pin!(ingest(context.app, &key, hasher, body, expected));
    let ingested = loop {
        tokio::select! {
            ingested = &mut ingesting => break ingested,
            // A body may take longer to come than a session may be idle, and idle it is not.
            () = tokio::time::sleep(TOUCH) => touch(context, repository, session).await?,
        }
    };
    let cut = match ingested {
        Ok(Ingested { staged, hasher, cut: None }) => return Ok((staged, hasher)),
        Ok(Ingested { hasher, cut: Some(cut), .. }) => {
            match cut {
                Cut::TooLong => give_up(context, repository, &session.id).await,
                Cut::WrongLength => {}
                Cut::Stalled | Cut::Broken => advance(context, repository, session, &hasher).await?,
            }
            cut.refusal(context.app).into()
        }
        Err(refusal) => {
            give_up(context, repository, &session.id).await;
            refusal
        }
    };
    Err(cut)
}

/// Notes how far a session has come.
async fn advance(
    context: &Context<'_>,
    repository: &RepositoryName,
    session: &UploadSession,
    hasher: &Hasher,
) -> Result<()> {
    let advanced = UploadSession {
        received: hasher.hashed(),
        hash_state: state(hasher),
        touched_at: context.app.clock.steady(),
        ..session.clone()
    };
    let owner = owner(context, repository);
    if context.app.metadata.advance_upload(&owner, session.received, advanced).await? {
        Ok(())
    } else {
        Err(OciError::blob_upload_unknown().into())
    }
}

/// Notes that a session is in use.
async fn touch(context: &Context<'_>, repository: &RepositoryName, session: &UploadSession) -> Result<()> {
    let touched = UploadSession { touched_at: context.app.clock.steady(), ..session.clone() };
    let owner = owner(context, repository);
    context.app.metadata.advance_upload(&owner, session.received, touched).await?;
    Ok(())
}

/// `DELETE …/uploads/<session>`: gives the upload up.
pub(super) async fn cancel(
    context: &Context<'_>,
    repository: &RepositoryName,
    session: &str,
) -> Result<Answer> {
    let _lock = lock(context, session).await?;
    let found = find(context, repository, session).await?;
    discard(context, content_key(&found)?).await;
    context.app.metadata.close_upload(&owner(context, repository), &found.id).await?;
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

/// Finds a session that goes on, with all its bytes.
async fn find(context: &Context<'_>, repository: &RepositoryName, session: &str) -> Result<UploadSession> {
    let found = context.app.metadata.upload(&owner(context, repository), session).await?;
    let now = context.app.clock.steady();
    let found = found
        .filter(|found| !upload::is_over(found.created_at, found.touched_at, now))
        .ok_or_else(OciError::blob_upload_unknown)?;
    // A crash can take bytes that the row still counts. Then the row is wrong, and goes.
    if found.received > 0 && context.app.blobs.staged_size(&content_key(&found)?)? < Some(found.received) {
        give_up(context, repository, &found.id).await;
        return Err(OciError::blob_upload_unknown().into());
    }
    Ok(found)
}

/// Ends a session as far as that can be done. The bytes go first: that needs no space on a full
/// disk, and a session without its bytes is over.
async fn give_up(context: &Context<'_>, repository: &RepositoryName, session: &str) {
    if let Some(key) = ContentKey::parse(session) {
        discard(context, key).await;
    }
    if let Err(error) = context.app.metadata.close_upload(&owner(context, repository), session).await {
        // It is over when it has been idle for long enough.
        tracing::warn!(%error, "cannot end an upload session");
    }
}

async fn discard(context: &Context<'_>, key: ContentKey) {
    if let Err(error) = context.app.blocking(move |blobs| blobs.discard_staged(&key)).await {
        // The next start sweeps it up.
        tracing::warn!(%error, "cannot discard staged content");
    }
}

/// Holds a chunk's `Content-Range`, if it has one, against the session; says how long the body must be.
fn check_range(
    context: &Context<'_>,
    session: &UploadSession,
    body: &Incoming,
) -> std::result::Result<Option<u64>, OciError> {
    let Some(header) = context.head.headers.get(CONTENT_RANGE) else { return Ok(None) };
    let range =
        header.to_str().ok().and_then(|text| ContentRange::parse(text).ok()).ok_or_else(|| {
            OciError::blob_upload_invalid("Content-Range is written <first byte>-<last byte>")
        })?;
    let received = session.received;
    match upload::check_chunk(received, range.first, range.last, body.size_hint().exact()) {
        Ok(()) => Ok(Some(range.len())),
        Err(ChunkRefusal::OutOfOrder) => Err(OciError::blob_upload_range(format!(
            "the chunk starts at byte {}, but the upload stands at {received}",
            range.first
        ))),
        Err(ChunkRefusal::LengthMismatch) => Err(Cut::WrongLength.refusal(context.app)),
    }
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
