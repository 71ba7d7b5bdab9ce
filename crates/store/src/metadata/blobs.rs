//! Which repository holds which blob, and where its bytes are.

use async_trait::async_trait;
use gangplank_core::{LoginId, Origin, Quotas, Renewal, Tenant, Time};
use gangplank_oci::{Digest, RepositoryName};

use crate::Result;
use crate::blobs::{Checkpoint, ContentKey};

/// A blob that a repository holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlob {
    /// Its length in bytes.
    pub size: u64,
    /// Where the bytes are.
    pub key: ContentKey,
    /// Whether the bytes were found to be others than were put: then they are nobody's blob, and wait
    /// to be replaced.
    pub damaged: bool,
}

/// The most bytes that a blob may have to be treated as a configuration. So nobody makes a large layer look like
/// one, which others would have to upload again.
pub const MAX_CONFIGURATION: u64 = 4 << 20;

/// The most blobs of which it is kept that one login uploaded them: the newest.
pub const MAX_BLOB_PUTS: i64 = 10_000;

/// A blob, and how a login stands to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenBlob {
    /// The blob.
    pub blob: StoredBlob,
    /// Whether a manifest of the repository has it as its configuration, and it is small enough for one.
    pub is_configuration: bool,
    /// Whether it is known that this very login has uploaded its bytes to the repository.
    pub is_own: bool,
}

impl SeenBlob {
    /// Whether a login that only pushes may hear that it is there. What an image is configured with is nobody's
    /// business who does not have it.
    pub fn may_be_known(&self) -> bool {
        !self.is_configuration || self.is_own
    }

    /// Whether such a login may read it.
    pub fn may_be_read(&self) -> bool {
        self.is_configuration && self.is_own
    }
}

/// A blob whose bytes are durable under `key`, to be made visible.
#[derive(Clone, Debug)]
pub struct NewBlob {
    /// Its digest, computed from the stored bytes.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// Where the bytes are: under the key of its session, or under one that its checkpoint names.
    pub key: ContentKey,
    /// Content of this digest that was found missing, cut short or damaged, and is to be replaced.
    pub damaged: Option<ContentKey>,
    /// The login that may read it back if it turns out to be a configuration.
    pub put_by: Option<LoginId>,
    /// The upload session, of the same repository, that ends with it.
    pub session: Option<String>,
    /// How much its account may have.
    pub quotas: Quotas,
}

/// What no row points to any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discarded {
    /// Under which key it is.
    pub key: ContentKey,
    /// What the blob store has to know to cancel it, if it was an upload.
    pub upload: Option<Checkpoint>,
}

/// A blob to be mounted.
#[derive(Clone, Debug)]
pub struct Mount {
    /// The repository that holds it, or `None` for any of the tenant's.
    pub from: Option<RepositoryName>,
    /// Its digest.
    pub digest: Digest,
    /// Set if it is as good as absent where this login may not know of it. That needs a `from`.
    pub seen_by: Option<LoginId>,
}

/// What became of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobDeleted {
    /// The repository holds it no longer.
    Deleted,
    /// The repository did not hold it.
    NoSuchBlob,
    /// An image registered from this repository needs it.
    Registered,
}

/// Keeps which repository holds which blob.
///
/// A blob's bytes are kept once per tenant, under a key that is written once and never again, so
/// removing old bytes can never hit new ones. A hold is leased: [`find_blob`](Self::find_blob),
/// [`add_blob`](Self::add_blob) and [`mount_blob`](Self::mount_blob) renew the lease, since the
/// client will now rely on it. A manifest that references the blob holds it.
#[async_trait]
pub trait BlobLinks: Send + Sync {
    /// Finds a blob the repository holds; with `renewal`, its lease is renewed before anybody hears of
    /// it.
    async fn find_blob(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
        renewal: Option<Renewal>,
    ) -> Result<Option<StoredBlob>>;
    /// The same, and how `login` stands to it.
    async fn find_blob_seen_by(
        &self,
        login: LoginId,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
        renewal: Option<Renewal>,
    ) -> Result<Option<SeenBlob>>;
    /// Where the tenant's bytes of this digest are, in any repository. For the server's own checks:
    /// never an answer to a client.
    async fn tenant_content(&self, tenant: &Tenant, digest: &Digest) -> Result<Option<StoredBlob>>;
    /// Makes a blob visible in the repository; returns the key its bytes are under from now on; `None`, and
    /// nothing is added, if the session that brought it has ended. What else that session had is discarded. The key is an older key if the tenant has the bytes already, and they are not damaged; the caller's
    /// then goes to [`discarded`](Self::discarded).
    async fn add_blob(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        blob: NewBlob,
        now: Time,
    ) -> Result<Option<ContentKey>>;
    /// Lets `repository` hold what is to be mounted; `false` if that is not there, or damaged. A repository more
    /// than there may be is [`OverQuota`](crate::StoreError::OverQuota), here and in [`add_blob`](Self::add_blob).
    async fn mount_blob(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        mount: Mount,
        now: Time,
        quotas: &Quotas,
    ) -> Result<bool>;
    /// Ends the repository's hold, also where manifests that are not registered reference the blob.
    /// Bytes that nobody holds go to [`discarded`](Self::discarded).
    async fn delete_blob(
        &self,
        by: &Origin,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<BlobDeleted>;
    /// Notes that the content under `key` is not what was put; `false` if no blob has it any more.
    async fn mark_damaged(&self, key: &ContentKey) -> Result<bool>;
    /// Takes that mark off content that was read again and is what was put; `false` if no blob has it any
    /// more.
    async fn mark_whole(&self, key: &ContentKey) -> Result<bool>;
    /// Which of these keys no blob, upload session or discarded content has.
    async fn unknown_content(&self, keys: Vec<ContentKey>) -> Result<Vec<ContentKey>>;
    /// What no row has pointed to since `until` or earlier, by the steady time, the oldest first and up to `limit`: to be
    /// removed from the blob store.
    async fn discarded(&self, until: Time, limit: usize) -> Result<Vec<Discarded>>;
    /// Forgets content that has been removed from the blob store.
    async fn forget_discarded(&self, keys: Vec<ContentKey>) -> Result<()>;
}
