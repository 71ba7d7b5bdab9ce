//! Upload sessions: blobs on their way in.

use async_trait::async_trait;
use gangplank_core::{LoginId, Owner, Tenant, Time};
use gangplank_oci::RepositoryName;

use crate::Result;
use crate::blobs::{Checkpoint, ContentKey};

/// An upload session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadSession {
    /// Its id. Grants nothing by itself.
    pub id: String,
    /// Under which key the blob store has its bytes.
    pub key: ContentKey,
    /// Which login fed it last: when that is revoked, the session ends.
    pub login: Option<LoginId>,
    /// How far it has come: from here anybody can go on.
    pub checkpoint: Checkpoint,
    /// When it was opened.
    pub created_at: Time,
    /// When it was last fed.
    pub touched_at: Time,
}

/// Whose session it is: all of it must match for a session to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadOwner {
    /// In which tenant.
    pub tenant: Tenant,
    /// In which repository.
    pub repository: RepositoryName,
    /// Of which principal, so that a renewed login of the same one goes on with it.
    pub owner: Owner,
}

/// What became of a new session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadOpened {
    /// It is open.
    Opened,
    /// It is open, and the oldest that nobody feeds ended for it.
    InPlaceOfAnother,
    /// There are as many as there may be, and all are being fed.
    TooMany,
    /// The login that was to feed it was revoked, or its access key or role disabled.
    LoginEnded,
}

/// What a session that its client ends leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaves {
    /// Nothing: its bytes are gone.
    Nothing,
    /// Its bytes, which are discarded.
    Bytes,
}

/// Keeps upload sessions. The bytes of those that end for others' sake go to
/// [`discarded`](super::BlobLinks::discarded).
///
/// A power cut may take a session, or some of the progress that was recorded last, for nothing is promised to
/// whoever uploads before the blob is there. So opening and advancing one do not wait for the disk.
#[async_trait]
pub trait Uploads: Send + Sync {
    /// Opens a session. The account may have `quota` open ones, its regions together, and one login half of them.
    /// Where there are so many, the oldest that got no byte for
    /// [a minute](gangplank_core::upload::GIVES_WAY_AFTER) ends. Not durable when it returns.
    async fn open_upload(
        &self,
        owner: &UploadOwner,
        session: UploadSession,
        quota: u32,
    ) -> Result<UploadOpened>;
    /// Finds a session.
    async fn upload(&self, owner: &UploadOwner, id: &str) -> Result<Option<UploadSession>>;
    /// Records progress from the checkpoint `from` on: `login`, `checkpoint` and `touched_at`. Keys that it no longer
    /// names are discarded. `false` if the session is gone or no longer at `from`. Not durable when it returns.
    async fn advance_upload(
        &self,
        owner: &UploadOwner,
        from: &Checkpoint,
        session: UploadSession,
    ) -> Result<bool>;
    /// Ends a session without a blob; `false` if there is none.
    async fn close_upload(&self, owner: &UploadOwner, id: &str, leaves: Leaves) -> Result<bool>;
    /// Ends every session that was last fed at `idle` or earlier, or opened at `opened` or earlier, and discards their
    /// bytes; says how many those are.
    async fn close_stale_uploads(&self, idle: Time, opened: Time) -> Result<usize>;
    /// How many sessions are open.
    async fn count_uploads(&self) -> Result<usize>;
}
