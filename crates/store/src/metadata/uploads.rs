//! Upload sessions: blobs that are being uploaded.

use async_trait::async_trait;
use gangplank_core::{LoginId, Owner, Tenant, Time};
use gangplank_oci::RepositoryName;

use crate::Result;
use crate::blobs::{Checkpoint, ContentKey};
use crate::coordination::Epoch;

/// An upload session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadSession {
    /// Its id. Knowing it grants nothing.
    pub id: String,
    /// The key of its bytes in the blob store.
    pub key: ContentKey,
    /// The login that fed it last. When this login is revoked, the session ends.
    pub login: Option<LoginId>,
    /// Its progress. Any process can continue from here.
    pub checkpoint: Checkpoint,
    /// When it was opened, by the steady time.
    pub created_at: Time,
    /// When it last got bytes, by the steady time.
    pub touched_at: Time,
    /// The epoch of the last claim whose holder wrote to it or took it; [`Epoch::NONE`] before the first.
    pub epoch: Epoch,
}

/// The owner of a session. A lookup has to name all parts of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadOwner {
    /// The tenant.
    pub tenant: Tenant,
    /// The repository.
    pub repository: RepositoryName,
    /// The principal. A new login of the same principal can continue the session.
    pub owner: Owner,
}

/// The outcome of opening a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadOpened {
    /// It is open.
    Opened,
    /// It is open. The oldest idle session was ended for it.
    InPlaceOfAnother,
    /// The quota is reached, and no open session is idle.
    TooMany,
    /// The login was revoked, or its access key or role disabled.
    LoginEnded,
}

/// The outcome of taking a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadTaken {
    /// It is taken. Holders of earlier claims can change nothing any more.
    Taken(UploadSession),
    /// There is no such session.
    NoSession,
    /// The holder of a later claim has taken the session.
    ByLater,
}

/// Whether bytes are left when a client ends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaves {
    /// It leaves no bytes: the blob store has deleted them.
    Nothing,
    /// Yes. They are discarded.
    Bytes,
}

/// Stores upload sessions. If the server ends a session, its bytes go to
/// [`discarded`](super::BlobLinks::discarded).
///
/// Each step carries the epoch of its writer's claim. A step with a lower epoch than the session's changes
/// nothing: another writer has followed.
///
/// A power cut may lose a session, or its latest progress: a client is promised nothing before the blob is
/// stored. So opening and advancing a session do not wait for the disk.
#[async_trait]
pub trait Uploads: Send + Sync {
    /// Opens a session. An account may have `quota` open sessions in all its regions, and a login half as many.
    /// Beyond that, the oldest session that got no byte for [a minute](gangplank_core::upload::GIVES_WAY_AFTER)
    /// is ended. The session is not durable when the call returns.
    async fn open_upload(
        &self,
        owner: &UploadOwner,
        session: UploadSession,
        quota: u32,
    ) -> Result<UploadOpened>;
    /// Finds a session.
    async fn upload(&self, owner: &UploadOwner, id: &str) -> Result<Option<UploadSession>>;
    /// Finds a session and gives it to the holder of the claim with this epoch. The change is not durable when
    /// the call returns.
    async fn take_upload(&self, owner: &UploadOwner, id: &str, epoch: Epoch) -> Result<UploadTaken>;
    /// Records progress from the checkpoint `from`: `login`, `checkpoint`, `touched_at` and `epoch`. Keys that the
    /// new checkpoint no longer names are discarded. `false` if the session has ended, is not at `from`, or has
    /// a later writer. The progress is not durable when the call returns.
    async fn advance_upload(
        &self,
        owner: &UploadOwner,
        from: &Checkpoint,
        session: UploadSession,
    ) -> Result<bool>;
    /// Ends a session without a blob. Returns `false` if there is no such session, or if the session has a
    /// later writer.
    async fn close_upload(&self, owner: &UploadOwner, id: &str, epoch: Epoch, leaves: Leaves)
    -> Result<bool>;
    /// Ends the sessions that got their last byte at `idle` or earlier, or were opened at `opened` or earlier,
    /// and discards their bytes. Returns how many sessions.
    async fn close_stale_uploads(&self, idle: Time, opened: Time) -> Result<usize>;
    /// How many sessions are open.
    async fn count_uploads(&self) -> Result<usize>;
    /// The greatest epoch of all open sessions. A process that has the store to itself begins after it.
    async fn last_upload_epoch(&self) -> Result<Epoch>;
}
