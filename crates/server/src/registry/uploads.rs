//! Pushing blobs: whole, in one stream, or in chunks that can be resumed.

use gangplank_oci::{Algorithm, Digest, Hasher, OciError, RepositoryName, location};
use gangplank_store::blobs::ContentKey;
use gangplank_store::metadata::uploads::UploadSession;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{HeaderName, LOCATION, RANGE};

use super::finish::{self, Complete};
use super::ingest::{Ingested, ingest};
use super::refusal::Refusal;
use super::upload_session::{
    advance, append, check_range, content_key, discard, find, give_up, lock, owner, resume, state, take_up,
};
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
        let ingested = ingest(context, &key, Hasher::new(digest.algorithm()), body, None).await?;
        let Ingested { staged, hasher, cut } = ingested;
        if let Some(cut) = cut {
            return Err(cut.refusal(context.app).into());
        }
        let content = Complete { key: key.clone(), staged, hasher, session: None };
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
    let found = find(context, repository, session).await?;
    // Who asks has often just been cut off. What is still coming in from then counts, or the upload
    // would go on in the wrong place.
    let found = match context.app.upload_locks.take(session).await {
        Some(_lock) => take_up(context, repository, session).await?,
        None => found,
    };
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
    let found = take_up(context, repository, session).await?;
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
    let found = take_up(context, repository, session).await?;
    let expected = match check_range(context, &found, &body) {
        Ok(expected) => expected,
        Err(refusal) => return Ok(misplaced(refusal, repository, &found)),
    };
    let key = content_key(&found)?;
    // A session that was never fed can still choose its hash.
    let hasher = if found.received == 0 { Hasher::new(digest.algorithm()) } else { resume(&found)? };
    let (staged, hasher) = append(context, repository, &found, hasher, body, expected).await?;
    let content = Complete { key, staged, hasher, session: Some(found.id.clone()) };
    let finished = finish::finish(context, repository, digest, content).await;
    if finished.is_err() {
        // What was staged is not what the client says it is, or could not be kept.
        give_up(context, repository, &found.id).await;
    }
    finished
}

/// `DELETE …/uploads/<session>`: gives the upload up.
pub(super) async fn cancel(
    context: &Context<'_>,
    repository: &RepositoryName,
    session: &str,
) -> Result<Answer> {
    let _lock = lock(context, session).await?;
    let found = find(context, repository, session).await?;
    // The bytes go first, as in `give_up`; here the client hears if the row could not follow.
    discard(context, content_key(&found)?).await;
    context.app.metadata.close_upload(&owner(context, repository), &found.id).await?;
    Ok(Answer::new(StatusCode::NO_CONTENT))
}

/// Refuses a chunk and says where the upload stands, so that the client can go on from there.
fn misplaced(refusal: OciError, repository: &RepositoryName, session: &UploadSession) -> Answer {
    standing(Refusal::from(refusal).into_answer(), repository, &session.id, session.received)
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
