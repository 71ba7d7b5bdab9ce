//! Upload sessions. One request at a time may claim an open session.

mod leaving;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gangplank_oci::{Algorithm, OciError, RepositoryName};
use gangplank_store::StoreError;
use gangplank_store::blobs::{BlobWriter, Checkpoint, ContentKey};
use gangplank_store::coordination::{Epoch, Work};
use gangplank_store::metadata::blobs::FedBy;
use gangplank_store::metadata::uploads::{UploadOpened, UploadOwner, UploadSession, UploadTaken};
use uuid::Uuid;

use super::refusal::Refusal;
use super::uploads::Standing;
use super::{Context, Result};
use crate::coordination::{Held, Patience};

/// Opens a session that hashes with `algorithm`.
pub(super) async fn open(
    context: &Context<'_>,
    repository: &RepositoryName,
    algorithm: Algorithm,
) -> Result<Standing> {
    let session = open_as(context, repository, ContentKey::unused(), algorithm).await?;
    Ok(Standing::new(repository, &session.id, 0))
}

/// Opens a session for content with a given key.
async fn open_as(
    context: &Context<'_>,
    repository: &RepositoryName,
    key: ContentKey,
    algorithm: Algorithm,
) -> Result<UploadSession> {
    let app = context.app;
    let now = app.clock.steady();
    let session = UploadSession {
        id: Uuid::new_v4().simple().to_string(),
        key,
        checkpoint: Checkpoint::beginning(algorithm),
        login: Some(context.grant.login),
        created_at: now,
        touched_at: now,
        epoch: Epoch::NONE,
    };
    let opened = session.clone();
    match app.metadata.open_upload(&owner(context, repository), session, app.quotas.open_uploads).await? {
        UploadOpened::Opened => {}
        UploadOpened::InPlaceOfAnother => app.discarded.notify_one(),
        UploadOpened::LoginEnded => return Err(OciError::blob_upload_unknown().into()),
        UploadOpened::TooMany => {
            let message = "the account or this login has too many uploads open; finish or cancel some";
            return Err(Refusal::too_many(message, 60).over_quota("max-open-uploads"));
        }
    }
    Ok(opened)
}

/// The progress of a session.
pub(super) async fn status(context: &Context<'_>, repository: &RepositoryName, id: &str) -> Result<Standing> {
    find(context, repository, id).await?;
    // A client often asks after its connection was cut. The bytes of that connection that still arrive must be
    // counted first, or the client would resume at the wrong place.
    let received = match claim_within(context, id, TO_ASK).await? {
        Some(claim) => {
            Session::claimed(context, repository, id, claim).await?.check_bytes().await?.received()
        }
        // The other request may have received more bytes meanwhile.
        None => find(context, repository, id).await?.checkpoint.received,
    };
    Ok(Standing::new(repository, id, received))
}

/// An open session that this request has claimed.
pub(super) struct Session<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) repository: &'a RepositoryName,
    /// The key under which the session's bytes are staged.
    pub(super) key: ContentKey,
    row: UploadSession,
    /// The checkpoint in the session's row.
    checkpoint: Mutex<Checkpoint>,
    /// Whether a publication was started. Its content may be published even if an error was reported.
    may_be_published: AtomicBool,
    claim: Held,
}

impl<'a> Session<'a> {
    /// Claims and finds a session.
    pub(super) async fn claim(
        context: &'a Context<'_>,
        repository: &'a RepositoryName,
        id: &str,
    ) -> Result<Self> {
        let Some(claim) = claim(context, id).await? else { return Err(taken()) };
        Self::claimed(context, repository, id, claim).await
    }

    /// Opens a session for a body that is staged under `key`, and claims it.
    pub(super) async fn open(
        context: &'a Context<'_>,
        repository: &'a RepositoryName,
        key: ContentKey,
        algorithm: Algorithm,
    ) -> Result<Self> {
        let row = open_as(context, repository, key, algorithm).await?;
        let claim = claim(context, &row.id).await?.ok_or_else(OciError::blob_upload_unknown)?;
        Ok(Self::of(context, repository, row, claim))
    }

    /// Claims and finds a session, and checks that all bytes that its row counts exist.
    pub(super) async fn take_up(
        context: &'a Context<'_>,
        repository: &'a RepositoryName,
        id: &str,
    ) -> Result<Self> {
        let session = Self::claim(context, repository, id).await?.check_bytes().await?;
        // A session ends with the login that wrote to it last. From here on, the login of this request is the last
        // one that wrote to it.
        if session.row.login != Some(context.grant.login) {
            session.confirm().await?;
        }
        Ok(session)
    }

    async fn claimed(
        context: &'a Context<'_>,
        repository: &'a RepositoryName,
        id: &str,
        claim: Held,
    ) -> Result<Self> {
        let row = if context.app.claims.are_shared() {
            take(context, repository, id, &claim).await?
        } else {
            // The process itself lets one request at a time write. So the first step of this request may take the
            // session.
            find(context, repository, id).await?
        };
        Ok(Self::of(context, repository, row, claim))
    }

    fn of(context: &'a Context<'_>, repository: &'a RepositoryName, row: UploadSession, claim: Held) -> Self {
        let checkpoint = Mutex::new(row.checkpoint.clone());
        let may_be_published = AtomicBool::new(false);
        Self { context, repository, key: row.key.clone(), row, checkpoint, may_be_published, claim }
    }

    /// Checks that all bytes that the row counts exist.
    ///
    /// Rows and staged bytes of an open session are not synced. So a crash can remove bytes that the row
    /// counts, or leave others in their place. The row is wrong then, and the session is over.
    async fn check_bytes(self) -> Result<Self> {
        let counted = self.checkpoint();
        match self.context.app.blobs.vouch(&self.key, &counted).await? {
            Some(vouched) if vouched == counted => Ok(self),
            Some(vouched) => self.advance(vouched).await.map(|()| self),
            None => {
                self.give_up().await;
                Err(OciError::blob_upload_unknown().into())
            }
        }
    }

    /// The session's id.
    pub(super) fn id(&self) -> &str {
        &self.row.id
    }

    /// How many bytes the session's row counts.
    pub(super) fn received(&self) -> u64 {
        self.standing_at().received
    }

    /// The progress to report to the client after `received` bytes.
    pub(super) fn standing(&self, received: u64) -> Standing {
        Standing::new(self.repository, &self.row.id, received)
    }

    /// A writer that continues at the session's checkpoint. A session without bytes may switch to another
    /// `algorithm`.
    pub(super) fn writer(&self, algorithm: Option<Algorithm>) -> Result<Box<dyn BlobWriter>> {
        let from = match (algorithm, self.checkpoint()) {
            (Some(algorithm), Checkpoint { received: 0, .. }) => Checkpoint::beginning(algorithm),
            (_, from) => from,
        };
        match self.context.app.blobs.writer(&self.key, &from) {
            // The client has to upload this blob again.
            Err(StoreError::Damaged(_)) => Err(OciError::blob_upload_unknown().into()),
            writer => Ok(writer?),
        }
    }

    /// Whether the session has staged bytes under any other key than `key`.
    pub(super) fn has_more_than(&self, key: &ContentKey) -> bool {
        self.key != *key || self.standing_at().keys.iter().any(|other| other != key)
    }

    /// Pauses the session. All bytes written so far count.
    ///
    /// # Errors
    /// Fails as [`advance`](Self::advance) does. After a failure of the blob store, the session continues from
    /// its last checkpoint.
    pub(super) async fn pause(&self, writer: Box<dyn BlobWriter>) -> Result<()> {
        let suspended = tokio::select! {
            biased;
            suspended = writer.suspend() => suspended,
            () = self.lost() => return Err(taken()),
        };
        match suspended {
            Ok(checkpoint) => self.advance(checkpoint).await,
            Err(StoreError::Damaged(error)) => {
                tracing::warn!(%error, "the bytes of an upload are gone");
                Err(self.give_up_for(OciError::blob_upload_unknown().into()).await)
            }
            Err(error) => Err(Refusal::from(error).at(self.standing(self.received()))),
        }
    }

    /// Records how far the session has come.
    ///
    /// # Errors
    /// If the session has ended, if another request has claimed it, or if the store fails.
    pub(super) async fn advance(&self, to: Checkpoint) -> Result<()> {
        let (app, from) = (self.context.app, self.checkpoint());
        let has_dropped = from.keys.iter().any(|key| !to.keys.contains(key));
        if self.claim.is_lost()
            || !app.metadata.advance_upload(&self.owner(), &from, self.touched(to.clone())).await?
        {
            return Err(self.displaced(&from, &to).await);
        }
        *self.standing_at() = to;
        if has_dropped {
            app.discarded.notify_one();
        }
        Ok(())
    }

    /// Marks the session as used now. Returns `false` if it has ended or has a later writer.
    pub(super) async fn touch(&self) -> Result<bool> {
        let from = self.checkpoint();
        let touched = self.touched(from.clone());
        Ok(self.context.app.metadata.advance_upload(&self.owner(), &from, touched).await?)
    }

    /// Checks in the row that the session is still this writer's.
    ///
    /// # Errors
    /// If it has ended or has a later writer, or if the store fails.
    pub(super) async fn confirm(&self) -> Result<()> {
        if !self.claim.is_lost() && self.touch().await? {
            return Ok(());
        }
        Err(if self.has_ended().await { OciError::blob_upload_unknown().into() } else { taken() })
    }

    /// Makes the check of [`confirm`](Self::confirm) before bytes are published, if other processes may write
    /// to the session.
    ///
    /// # Errors
    /// As [`confirm`](Self::confirm).
    pub(super) async fn confirm_to_publish(&self) -> Result<()> {
        if self.context.app.claims.are_shared() { self.confirm().await } else { Ok(()) }
    }

    /// The session and the epoch of its writer, for the blob that ends it.
    pub(super) fn fed_by(&self) -> FedBy {
        FedBy { id: self.row.id.clone(), epoch: self.epoch() }
    }

    fn epoch(&self) -> Epoch {
        self.claim.claim().epoch
    }

    /// Whether another process may have claimed the session.
    pub(super) fn is_lost(&self) -> bool {
        self.claim.is_lost()
    }

    /// Records that the content is about to be published. An error of the publication does not prove that it
    /// failed.
    pub(super) fn publishes(&self) {
        self.may_be_published.store(true, Relaxed);
    }

    /// Returns when another process has claimed the session.
    pub(super) async fn lost(&self) {
        self.claim.lost().await;
    }

    /// Whether the session's row is gone. Its staged bytes are then gone, too.
    pub(super) async fn has_ended(&self) -> bool {
        matches!(self.context.app.metadata.upload(&self.owner(), &self.row.id).await, Ok(None))
    }

    /// The session's row after this request, with `checkpoint`.
    fn touched(&self, checkpoint: Checkpoint) -> UploadSession {
        let (touched_at, login) = (self.context.app.clock.steady(), Some(self.context.grant.login));
        UploadSession { touched_at, login, checkpoint, epoch: self.epoch(), ..self.row.clone() }
    }

    fn checkpoint(&self) -> Checkpoint {
        self.standing_at().clone()
    }

    fn standing_at(&self) -> MutexGuard<'_, Checkpoint> {
        self.checkpoint.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn owner(&self) -> UploadOwner {
        owner(self.context, self.repository)
    }
}

/// How long a request waits for another request that has claimed the same session. The connection of that
/// request may have been cut without its notice.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a request that only asks for the progress waits. The recorded progress is never more than the bytes
/// that count. So it is also a right answer if another process holds the session for longer.
const TO_ASK: Patience = Patience { here: PATIENCE, elsewhere: Duration::from_secs(2) };

/// Claims a session to write to it. `None` if another request still has it when the patience ends.
async fn claim(context: &Context<'_>, id: &str) -> Result<Option<Held>> {
    claim_within(context, id, PATIENCE.into()).await
}

async fn claim_within(context: &Context<'_>, id: &str, patience: Patience) -> Result<Option<Held>> {
    Ok(context.app.claims.wait_for(Work::Upload(id.to_owned()), patience).await?)
}

/// The refusal if another request has claimed the session.
fn taken() -> Refusal {
    OciError::blob_upload_range("another request is writing to this upload; ask for its status").into()
}

/// How long a request waits until its staged bytes are discarded. The client waits for the answer meanwhile.
const DISCARDING: Duration = Duration::from_secs(2);

/// Discards the staged bytes of a key. Returns whether that succeeded in a short time.
pub(super) async fn cancel(context: &Context<'_>, key: &ContentKey, checkpoint: &Checkpoint) -> bool {
    let discarded = tokio::time::timeout(DISCARDING, context.app.blobs.cancel(key, checkpoint)).await;
    match discarded.unwrap_or_else(|_| Err(StoreError::unavailable("the store of bytes does not answer"))) {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%error, "cannot discard staged content");
            false
        }
    }
}

/// Finds the row of an open session.
async fn find(context: &Context<'_>, repository: &RepositoryName, id: &str) -> Result<UploadSession> {
    let found = context.app.metadata.upload(&owner(context, repository), id).await?;
    found.filter(|found| goes_on(context, found)).ok_or_else(|| OciError::blob_upload_unknown().into())
}

/// Finds the row of an open session, and takes the session from all earlier writers.
async fn take(
    context: &Context<'_>,
    repository: &RepositoryName,
    id: &str,
    claim: &Held,
) -> Result<UploadSession> {
    let epoch = claim.claim().epoch;
    match context.app.metadata.take_upload(&owner(context, repository), id, epoch).await? {
        UploadTaken::Taken(found) if goes_on(context, &found) => Ok(found),
        UploadTaken::Taken(_) | UploadTaken::NoSession => Err(OciError::blob_upload_unknown().into()),
        UploadTaken::ByLater => Err(taken()),
    }
}

/// Whether a session has not timed out.
fn goes_on(context: &Context<'_>, found: &UploadSession) -> bool {
    let now = context.app.clock.steady();
    !context.app.limits.upload.is_over(found.created_at, found.touched_at, now)
}

/// The owner of the caller's sessions in this repository.
pub(super) fn owner(context: &Context<'_>, repository: &RepositoryName) -> UploadOwner {
    UploadOwner {
        tenant: context.grant.tenant.clone(),
        repository: repository.clone(),
        owner: context.grant.owner.clone(),
    }
}
