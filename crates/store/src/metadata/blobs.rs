//! Which blobs a repository holds, and where their bytes are.

use std::time::Duration;

use async_trait::async_trait;
use gangplank_core::{LoginId, Origin, Quotas, Renewal, Tenant, Time};
use gangplank_oci::{Digest, RepositoryName};

use crate::Result;
use crate::blobs::{Checkpoint, ContentKey};
use crate::coordination::Epoch;

/// A blob that a repository holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlob {
    /// Its size in bytes.
    pub size: u64,
    /// The key of the bytes in the blob store.
    pub key: ContentKey,
    /// Whether the bytes differ from the uploaded ones. If they do, nobody may read them, and the next upload
    /// replaces them.
    pub damaged: bool,
}

/// The largest size, in bytes, of a blob that is treated as a configuration. A login that only pushes is not
/// told that somebody else's configuration exists. Without this limit, a manifest could declare a large layer
/// to be its configuration. Then others would have to upload the layer again.
pub const MAX_CONFIGURATION: u64 = 4 << 20;

/// How many uploaded blobs are recorded for one login; the newest ones.
pub const MAX_BLOB_PUTS: i64 = 10_000;

/// A blob, and the relation of a login to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenBlob {
    /// The blob.
    pub blob: StoredBlob,
    /// Whether a manifest of the repository names it as its configuration, and it is no larger than
    /// [`MAX_CONFIGURATION`].
    pub is_configuration: bool,
    /// Whether this login uploaded its bytes to the repository, as far as is recorded.
    pub is_own: bool,
}

impl SeenBlob {
    /// Whether a login that only pushes may be told that the blob exists. A configuration may contain secrets,
    /// so only its uploader learns of it.
    pub fn may_be_known(&self) -> bool {
        !self.is_configuration || self.is_own
    }

    /// Whether a login that only pushes may read the blob.
    pub fn may_be_read(&self) -> bool {
        self.is_configuration && self.is_own
    }
}

/// A blob to add to a repository. Its bytes are durable already.
#[derive(Clone, Debug)]
pub struct NewBlob {
    /// Its digest, computed from the stored bytes.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The key of its bytes: the key of its upload session, or a key that the session's checkpoint names.
    pub key: ContentKey,
    /// The key of older content with this digest that the caller found missing, too short or damaged. It is
    /// replaced.
    pub damaged: Option<ContentKey>,
    /// The login that uploaded it, and may read it back if it is a configuration.
    pub put_by: Option<LoginId>,
    /// The upload session in the same repository that ends with it.
    pub session: Option<FedBy>,
    /// If set, the key must have been made at most this long ago, and must not be discarded. Otherwise its
    /// upload session is over, because a search for orphans may have found the bytes.
    pub within: Option<Duration>,
    /// The quotas of its account.
    pub quotas: Quotas,
}

/// The upload session of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FedBy {
    /// Its id.
    pub id: String,
    /// The epoch of the writer's claim.
    pub epoch: Epoch,
}

/// Content that no row refers to any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discarded {
    /// Its key in the blob store.
    pub key: ContentKey,
    /// For an upload: the checkpoint that the blob store needs to cancel it.
    pub upload: Option<Checkpoint>,
}

/// The discarded content whose bytes are not deleted yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// The number of contents.
    pub contents: u64,
    /// When the oldest was discarded, by the steady time; of an upload, when it got its last byte.
    pub oldest: Option<Time>,
}

/// A request to mount a blob of another repository.
#[derive(Clone, Debug)]
pub struct Mount {
    /// The repository that holds it; `None` for any repository of the tenant.
    pub from: Option<RepositoryName>,
    /// Its digest.
    pub digest: Digest,
    /// If set, the blob counts as absent where this login may not know of it. Needs `from`.
    pub seen_by: Option<LoginId>,
}

/// The outcome of deleting a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobDeleted {
    /// The repository no longer holds it.
    Deleted,
    /// The repository did not hold it before.
    NoSuchBlob,
    /// An image registered from this repository needs it.
    Registered,
}

/// Records which repository holds which blob.
///
/// The bytes of a blob are stored once per tenant. Their key is never used twice, so deleting old bytes cannot
/// hit new ones. A repository's hold on a blob has a lease. [`find_blob`](Self::find_blob),
/// [`add_blob`](Self::add_blob) and [`mount_blob`](Self::mount_blob) renew it, since the client now relies on
/// the blob. A manifest that references the blob keeps it, too.
#[async_trait]
pub trait BlobLinks: Send + Sync {
    /// Finds a blob of the repository. With `renewal`, its lease is renewed before the answer.
    async fn find_blob(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
        renewal: Option<Renewal>,
    ) -> Result<Option<StoredBlob>>;
    /// Finds a blob as [`find_blob`](Self::find_blob) does, and the relation of `login` to it.
    async fn find_blob_seen_by(
        &self,
        login: LoginId,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
        renewal: Option<Renewal>,
    ) -> Result<Option<SeenBlob>>;
    /// Finds the tenant's bytes with this digest, in any repository. The server uses it for its own checks. A
    /// client must not learn the answer.
    async fn tenant_content(&self, tenant: &Tenant, digest: &Digest) -> Result<Option<StoredBlob>>;
    /// Adds a blob to the repository. Returns the key of its bytes from then on, or `None` if its upload
    /// session has ended or has a later writer; then nothing changes. If the tenant has undamaged bytes
    /// already, this is the key of the older bytes, and the new bytes go to [`discarded`](Self::discarded).
    /// The other keys of the session go there, too.
    ///
    /// # Errors
    /// [`OverQuota`](crate::StoreError::OverQuota) if the account would then have too much.
    async fn add_blob(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        blob: NewBlob,
        now: Time,
    ) -> Result<Option<ContentKey>>;
    /// Adds to `repository` a blob that the tenant already has. `false` if the blob is absent or damaged.
    ///
    /// # Errors
    /// [`OverQuota`](crate::StoreError::OverQuota) if this would make one repository too many.
    async fn mount_blob(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        mount: Mount,
        now: Time,
        quotas: &Quotas,
    ) -> Result<bool>;
    /// Removes a blob from the repository, even if unregistered manifests reference it. If no other repository
    /// holds it, its bytes go to [`discarded`](Self::discarded).
    async fn delete_blob(
        &self,
        by: &Origin,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<BlobDeleted>;
    /// Marks the content under `key` as damaged. `false` if no blob has this key any more.
    async fn mark_damaged(&self, key: &ContentKey) -> Result<bool>;
    /// Removes the mark, after the content was read again and found whole. `false` if no blob has this key any
    /// more.
    async fn mark_whole(&self, key: &ContentKey) -> Result<bool>;
    /// Returns the given keys that belong to no blob, no upload session and no discarded content.
    async fn unknown_content(&self, keys: Vec<ContentKey>) -> Result<Vec<ContentKey>>;
    /// Discards content that a search found without a row, as of `now` by the steady time. Content that has got
    /// a row meanwhile is left out, and so is content whose key is younger than `older_than` by the clock of
    /// the database. Returns how many contents are discarded.
    async fn discard_orphans(
        &self,
        orphans: Vec<Discarded>,
        older_than: Duration,
        now: Time,
    ) -> Result<usize>;
    /// Content that no row has referred to since `until` or earlier, by the steady time; oldest first, at most
    /// `limit`. The caller deletes its bytes from the blob store.
    async fn discarded(&self, until: Time, limit: usize) -> Result<Vec<Discarded>>;
    /// How much discarded content waits for the deletion of its bytes.
    async fn discarded_backlog(&self) -> Result<Backlog>;
    /// Forgets discarded content, after its bytes were deleted from the blob store.
    async fn forget_discarded(&self, keys: Vec<ContentKey>) -> Result<()>;
}
