//! Upload sessions. One request at a time may claim an open session.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gangplank_oci::{Algorithm, OciError, RepositoryName};
use gangplank_store::StoreError;
use gangplank_store::blobs::{BlobWriter, Checkpoint, ContentKey};
use gangplank_store::coordination::Work;
use gangplank_store::metadata::uploads::{Leaves, UploadOpened, UploadOwner, UploadSession};
use uuid::Uuid;

use super::refusal::Refusal;
use super::upload_standing::Standing;
use super::{Context, Result};
use crate::coordination::Held;

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

/// The standing of a session.
pub(super) async fn status(context: &Context<'_>, repository: &RepositoryName, id: &str) -> Result<Standing> {
    let found = find(context, repository, id).await?;
    // A client often asks after its connection was cut. The bytes of that connection that still arrive must be
    // counted first, or the client would resume at the wrong place.
    let received = match claim(context, id).await? {
        Some(claim) => {
            Session::claimed(context, repository, id, claim).await?.check_bytes().await?.received()
        }
        None => found.checkpoint.received,
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
        // A session ends with the login that wrote to it last. From now on that is this login.
        if session.row.login != Some(context.grant.login) && !session.touch().await? {
            return Err(OciError::blob_upload_unknown().into());
        }
        Ok(session)
    }

    async fn claimed(
        context: &'a Context<'_>,
        repository: &'a RepositoryName,
        id: &str,
        claim: Held,
    ) -> Result<Self> {
        let row = find(context, repository, id).await?;
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

    /// The standing to tell the client after `received` bytes.
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
            // The client has to upload this blob anew.
            Err(StoreError::Damaged(_)) => Err(OciError::blob_upload_unknown().into()),
            writer => Ok(writer?),
        }
    }

    /// Whether the session has staged bytes under any other key than `key`.
    pub(super) fn has_more_than(&self, key: &ContentKey) -> bool {
        self.key != *key || self.standing_at().keys.iter().any(|other| other != key)
    }

    /// Pauses the session. All bytes written so far count.
    pub(super) async fn pause(&self, writer: Box<dyn BlobWriter>) -> Result<()> {
        self.advance(writer.suspend().await?).await
    }

    /// Records how far the session has come.
    ///
    /// # Errors
    /// If the session has ended, another request has claimed it, or the store fails.
    pub(super) async fn advance(&self, to: Checkpoint) -> Result<()> {
        if self.claim.is_lost() {
            return Err(taken());
        }
        let (app, from) = (self.context.app, self.checkpoint());
        let has_dropped = from.keys.iter().any(|key| !to.keys.contains(key));
        if app.metadata.advance_upload(&self.owner(), &from, self.touched(to.clone())).await? {
            *self.standing_at() = to;
            if has_dropped {
                app.discarded.notify_one();
            }
            return Ok(());
        }
        if !self.has_ended().await {
            return Err(taken());
        }
        // Discards only the bytes written since the session ended. Its earlier bytes were removed with its row,
        // or became a blob.
        let keys = to.keys.iter().filter(|key| !from.keys.contains(key)).cloned().collect();
        cancel(self.context, &self.key, &Checkpoint { keys, ..to }).await;
        Err(OciError::blob_upload_unknown().into())
    }

    /// Marks the session as used now. Returns `false` if it has ended.
    pub(super) async fn touch(&self) -> Result<bool> {
        let from = self.checkpoint();
        let touched = self.touched(from.clone());
        Ok(self.context.app.metadata.advance_upload(&self.owner(), &from, touched).await?)
    }

    /// Notes that the content is about to be published. An error of the publication does not prove that it
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
        UploadSession { touched_at, login, checkpoint, ..self.row.clone() }
    }

    /// Ends the session at the client's request.
    ///
    /// # Errors
    /// If the session could not be ended.
    pub(super) async fn cancel(self) -> Result<()> {
        Ok(self.end().await?)
    }

    /// Ends the session. A failure is only logged.
    pub(super) async fn give_up(&self) {
        if let Err(error) = self.end().await {
            // The session ends by itself once it has been idle long enough.
            tracing::warn!(%error, "cannot end an upload session");
        }
    }

    /// Ends the session. The bytes are removed first: that needs no space on a full disk, and a session without
    /// bytes is over.
    async fn end(&self) -> gangplank_store::Result<()> {
        if self.claim.is_lost() {
            // Another process has claimed the session, and continues it.
            return Ok(());
        }
        let (app, may_be_published) = (self.context.app, self.may_be_published.load(Relaxed));
        let mut staged = self.checkpoint();
        if may_be_published {
            // One of these may be a blob by now. If none is, they go with the row.
            staged.keys.clear();
        }
        let is_gone = cancel(self.context, &self.key, &staged).await;
        let is_all = is_gone && !may_be_published;
        let leaves = if is_all { Leaves::Nothing } else { Leaves::Bytes };
        app.metadata.close_upload(&self.owner(), &self.row.id, leaves).await?;
        if leaves == Leaves::Bytes {
            app.discarded.notify_one();
        }
        Ok(())
    }

    /// Ends the session after a refusal. If it had already ended, its bytes were removed during this request.
    /// The client is told that instead.
    pub(super) async fn give_up_for(&self, refusal: Refusal) -> Refusal {
        if self.claim.is_lost() {
            return taken();
        }
        let has_ended = self.has_ended().await;
        self.give_up().await;
        if has_ended { OciError::blob_upload_unknown().into() } else { refusal }
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

/// How long a request waits for another request that has claimed the same session. That may be one whose
/// connection was cut and that has not noticed yet.
const PATIENCE: Duration = Duration::from_secs(10);

/// Claims a session. `None` if another request still has it when the patience ends.
async fn claim(context: &Context<'_>, id: &str) -> Result<Option<Held>> {
    Ok(context.app.claims.wait_for(Work::Upload(id.to_owned()), PATIENCE).await?)
}

/// The refusal if another request has claimed the session.
fn taken() -> Refusal {
    OciError::blob_upload_range("another request is writing to this upload; ask for its status").into()
}

/// Discards the staged bytes of a key. Returns whether that succeeded.
pub(super) async fn cancel(context: &Context<'_>, key: &ContentKey, checkpoint: &Checkpoint) -> bool {
    match context.app.blobs.cancel(key, checkpoint).await {
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
    let now = context.app.clock.steady();
    let lifetime = context.app.limits.upload;
    let goes_on = |found: &UploadSession| !lifetime.is_over(found.created_at, found.touched_at, now);
    found.filter(goes_on).ok_or_else(|| OciError::blob_upload_unknown().into())
}

/// The owner of the caller's sessions in this repository.
pub(super) fn owner(context: &Context<'_>, repository: &RepositoryName) -> UploadOwner {
    UploadOwner {
        tenant: context.grant.tenant.clone(),
        repository: repository.clone(),
        owner: context.grant.owner.clone(),
    }
}
