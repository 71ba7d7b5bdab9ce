//! Manifests: kept verbatim, with what they reference.

use async_trait::async_trait;
use gangplank_core::{LoginId, Origin, Owner, Quotas, Renewal, Tenant, Time};
use gangplank_oci::{Digest, ManifestView, Reference, RepositoryName, Tag};

use crate::Result;

/// The digest that names a manifest.
pub type ManifestDigest = Digest;

/// A manifest as it was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredManifest {
    /// Computed from the bytes.
    pub digest: String,
    /// As the client declared it.
    pub media_type: String,
    /// The very bytes.
    pub body: Vec<u8>,
}

/// A manifest to be kept.
#[derive(Clone, Debug)]
pub struct NewManifest {
    /// Computed from `body`.
    pub digest: Digest,
    /// The very bytes.
    pub body: Vec<u8>,
    /// What they say.
    pub view: ManifestView,
    /// Blobs that the repository need not hold: layers that are not to be distributed.
    pub may_be_absent: Vec<Digest>,
    /// Set if one of this principal's push logins puts it. Then only what this principal put counts as a child, and
    /// [`MAX_HUNG`](gangplank_core::quotas::MAX_HUNG) of such manifests may be about one subject.
    pub pushed_by: Option<Owner>,
    /// How deep indexes may nest: so many, one in the other, above an image.
    pub max_depth: u32,
    /// How much its account may have.
    pub quotas: Quotas,
    /// Tags to move to it.
    pub tags: Vec<Tag>,
    /// When, by the wall clock.
    pub now: Time,
    /// When, by the steady time: from then on it is leased anew, and with it what it holds.
    pub lease: Renewal,
}

/// A manifest that names another as its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// Its digest.
    pub digest: String,
    /// Its media type.
    pub media_type: String,
    /// Its length in bytes.
    pub size: u64,
    /// What kind of artifact it is.
    pub artifact_type: Option<String>,
    /// Its annotations, a JSON object.
    pub annotations: String,
}

/// A page of referrers: as many as an answer should hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Referrers {
    /// The manifests.
    pub page: Vec<Referrer>,
    /// The mark to ask for the next page with, if there may be one.
    pub more: Option<i64>,
}

/// The most referrers in a page.
pub const MAX_REFERRERS: usize = 1_000;

/// The most bytes of annotations in a page, but for a page of one.
pub const MAX_REFERRER_BYTES: usize = 4 << 20;

/// What became of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestOutcome {
    /// Kept, with all it references pinned.
    Stored,
    /// The repository does not hold this blob.
    BlobUnknown(Digest),
    /// The repository does not hold this child manifest, or not for whoever puts the index.
    ChildUnknown(Digest),
    /// The descriptor of this blob or child gives another size than the content has.
    SizeMismatch(Digest),
    /// Indexes nested deeper than [`NewManifest::max_depth`].
    TooDeep,
    /// Push logins have put as many manifests about this subject as they may.
    TooManyAbout(Digest),
}

/// What became of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestDeleted {
    /// Gone, and every tag on it.
    Deleted,
    /// The repository has none such.
    NoSuchManifest,
    /// A container service has it registered from this repository, itself or below an index.
    Registered,
}

/// Keeps manifests.
#[async_trait]
pub trait Manifests: Send + Sync {
    /// Keeps a manifest and moves its tags, if everything it references is in the repository:
    /// checked and pinned in the same transaction. The login of `by` may then read it back. A refusal leaves
    /// nothing, not even a repository that was not there before; nor does
    /// [`OverQuota`](crate::StoreError::OverQuota). What was so already is renewed, and is no event.
    async fn put_manifest(
        &self,
        by: &Origin,
        tenant: &Tenant,
        repository: &RepositoryName,
        manifest: NewManifest,
    ) -> Result<ManifestOutcome>;
    /// Finds a manifest; with `put_by`, only one that this login put, and by tag only if it also set the tag; with `renewal`, its lease is
    /// renewed before anybody hears of it.
    async fn manifest(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        reference: &Reference,
        put_by: Option<LoginId>,
        renewal: Option<Renewal>,
    ) -> Result<Option<StoredManifest>>;
    /// Deletes a manifest by digest at `now`, by the steady time, also where an index that is not
    /// registered holds it. What it held begins its grace period.
    async fn delete_manifest(
        &self,
        by: &Origin,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
        now: Time,
    ) -> Result<ManifestDeleted>;
    /// A page of the manifests whose subject is `digest`, oldest first, behind the mark `after` (zero
    /// for the first page); the subject itself may be absent. With `put_by`, only those that this login put.
    async fn referrers(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
        artifact_type: Option<&str>,
        put_by: Option<LoginId>,
        after: i64,
    ) -> Result<Referrers>;
}
