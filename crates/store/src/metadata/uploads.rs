//! Upload sessions: blobs on their way in.

use async_trait::async_trait;
use gangplank_core::{LoginId, Owner, Tenant, Time};
use gangplank_oci::RepositoryName;

use crate::Result;

/// An upload session. Its bytes are staged in the blob store under its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadSession {
    /// Its id. Grants nothing by itself.
    pub id: String,
    /// Which login fed it last: when that is revoked, the session ends.
    pub login: Option<LoginId>,
    /// How many bytes were received, hashed and written.
    pub received: u64,
    /// The hash over those bytes, to go on from.
    pub hash_state: Vec<u8>,
    /// Which run of the server last vouched for its bytes: after a power cut the row may be ahead of
    /// what is staged, so another run hashes that anew before it goes on.
    pub run: String,
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
    /// Records progress from `from` bytes on: `login`, `received`, `hash_state`, `touched_at` and `run`. `false` if
    /// the session is gone or no longer at `from`. Not durable when it returns.
    async fn advance_upload(&self, owner: &UploadOwner, from: u64, session: UploadSession) -> Result<bool>;
    /// Ends a session without a blob; `false` if there is none.
    async fn close_upload(&self, owner: &UploadOwner, id: &str) -> Result<bool>;
    /// Ends every session that was last fed at `idle` or earlier, or opened at `opened` or earlier;
    /// returns their ids.
    async fn close_stale_uploads(&self, idle: Time, opened: Time) -> Result<Vec<String>>;
    /// The ids of all open sessions, for the sweep of staged bytes at the start.
    async fn open_upload_ids(&self) -> Result<Vec<String>>;
}
