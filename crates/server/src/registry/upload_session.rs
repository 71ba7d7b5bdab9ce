//! An upload session in the hands of one request: found, fed, ended.

use std::pin::pin;
use std::time::Duration;

use gangplank_core::upload::{self, ChunkRefusal};
use gangplank_oci::{ContentRange, Hasher, OciError, RepositoryName};
use gangplank_store::blobs::{ContentKey, Staged};
use gangplank_store::metadata::uploads::{UploadOwner, UploadSession};
use hyper::body::{Body as _, Incoming};
use hyper::header::CONTENT_RANGE;

use super::ingest::{Cut, Ingested, hash_staged, ingest};
use super::upload_locks::SessionLock;
use super::{Context, Result};

/// Appends a body to a session. If it ended early, the session goes on behind what had come; if it
/// is of the wrong length, where it stood; if it is too long or cannot be kept, the session ends.
pub(super) async fn append(
    context: &Context<'_>,
    repository: &RepositoryName,
    session: &UploadSession,
    hasher: Hasher,
    body: Incoming,
    expected: Option<u64>,
) -> Result<(Box<dyn Staged>, Hasher)> {
    let key = content_key(session)?;
    // Often enough while a body is coming.
    let touch_every = (context.app.limits.upload.idle / 6).max(Duration::from_secs(1));
    let mut ingesting = pin!(ingest(context, &key, hasher, body, expected));
    let ingested = loop {
        tokio::select! {
            ingested = &mut ingesting => break ingested,
            // A body may take longer to come than a session may be idle, and idle it is not.
            () = tokio::time::sleep(touch_every) => {
                // Returning here would leave a thread that writes to a session that is not locked.
                if let Err(error) = touch(context, repository, session).await {
                    tracing::warn!(?error, "cannot note that an upload is still coming");
                }
            }
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
pub(super) async fn advance(
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

pub(super) fn owner(context: &Context<'_>, repository: &RepositoryName) -> UploadOwner {
    UploadOwner {
        tenant: context.grant.tenant.clone(),
        repository: repository.clone(),
        access_key: context.grant.access_key.clone(),
    }
}

pub(super) async fn lock<'a>(context: &Context<'a>, session: &str) -> Result<SessionLock<'a>> {
    let busy =
        || OciError::blob_upload_range("another request is writing to this upload; ask for its status");
    context.app.upload_locks.take(session).await.ok_or_else(|| busy().into())
}

/// Finds a session that goes on.
pub(super) async fn find(
    context: &Context<'_>,
    repository: &RepositoryName,
    session: &str,
) -> Result<UploadSession> {
    let found = context.app.metadata.upload(&owner(context, repository), session).await?;
    let now = context.app.clock.steady();
    let lifetime = context.app.limits.upload;
    let goes_on = |found: &UploadSession| !lifetime.is_over(found.created_at, found.touched_at, now);
    found.filter(goes_on).ok_or_else(|| OciError::blob_upload_unknown().into())
}

/// Finds a session that goes on, with all the bytes that its row counts; the caller holds its lock.
///
/// Neither the row nor staged bytes wait for the disk, so a crash can take bytes that the row counts, or leave
/// zeros in their place. Then the row is wrong, and the session is over.
pub(super) async fn take_up(
    context: &Context<'_>,
    repository: &RepositoryName,
    session: &str,
) -> Result<UploadSession> {
    let Context { app, .. } = context;
    let mut found = find(context, repository, session).await?;
    if found.received == 0 {
        return Ok(found);
    }
    let key = content_key(&found)?;
    let mut is_whole = app.blobs.staged_size(&key)? >= Some(found.received);
    if is_whole && found.run != app.run {
        let counted = resume(&found)?;
        let staged = hash_staged(app, &key, counted.algorithm(), found.received).await?;
        is_whole = staged.state() == counted.state();
        found.run.clone_from(&app.run);
        is_whole &=
            app.metadata.advance_upload(&owner(context, repository), found.received, found.clone()).await?;
    }
    if !is_whole {
        give_up(context, repository, &found.id).await;
        return Err(OciError::blob_upload_unknown().into());
    }
    Ok(found)
}

/// Ends a session as far as that can be done. The bytes go first: that needs no space on a full
/// disk, and a session without its bytes is over.
pub(super) async fn give_up(context: &Context<'_>, repository: &RepositoryName, session: &str) {
    if let Some(key) = ContentKey::parse(session) {
        discard(context, key).await;
    }
    if let Err(error) = context.app.metadata.close_upload(&owner(context, repository), session).await {
        // It is over when it has been idle for long enough.
        tracing::warn!(%error, "cannot end an upload session");
    }
}

pub(super) async fn discard(context: &Context<'_>, key: ContentKey) {
    if let Err(error) = context.app.blocking(move |blobs| blobs.discard_staged(&key)).await {
        // The next start sweeps it up.
        tracing::warn!(%error, "cannot discard staged content");
    }
}

/// Holds a chunk's `Content-Range`, if it has one, against the session; says how long the body must be.
pub(super) fn check_range(
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

pub(super) fn content_key(session: &UploadSession) -> Result<ContentKey> {
    ContentKey::parse(&session.id).ok_or_else(|| OciError::blob_upload_unknown().into())
}

pub(super) fn resume(session: &UploadSession) -> Result<Hasher> {
    let hasher =
        Hasher::resume(&session.hash_state).ok().filter(|hasher| hasher.hashed() == session.received);
    // A newer program may not read an older one's hash state: the client starts this blob anew.
    hasher.ok_or_else(|| OciError::blob_upload_unknown().into())
}

pub(super) fn state(hasher: &Hasher) -> Vec<u8> {
    hasher.state().unwrap_or_default()
}
