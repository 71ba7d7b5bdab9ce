//! Manifests: stored byte for byte, with what they reference.

use async_trait::async_trait;
use gangplank_core::{LoginId, Origin, Owner, Quotas, Renewal, Tenant, Time};
use gangplank_oci::{Digest, ManifestView, Reference, RepositoryName, Tag};

use crate::Result;

/// The digest that names a manifest.
pub type ManifestDigest = Digest;

/// A manifest, as it was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredManifest {
    /// Its digest, computed from the bytes.
    pub digest: String,
    /// The media type that the client declared.
    pub media_type: String,
    /// The bytes that were put.
    pub body: Vec<u8>,
}

/// A manifest to store.
#[derive(Clone, Debug)]
pub struct NewManifest {
    /// Computed from `body`.
    pub digest: Digest,
    /// The bytes that were put.
    pub body: Vec<u8>,
    /// The parsed bytes.
    pub view: ManifestView,
    /// Blobs that the repository need not have, because they are foreign layers that are not distributed.
    pub may_be_absent: Vec<Digest>,
    /// The principal whose push login puts it; `None` for other callers. If set, only manifests that this
    /// principal put count as children, and a subject may have at most
    /// [`MAX_HUNG`](gangplank_core::quotas::MAX_HUNG) such manifests.
    pub pushed_by: Option<Owner>,
    /// How many levels of indexes may be above an image.
    pub max_depth: u32,
    /// The quotas of its account.
    pub quotas: Quotas,
    /// Tags to move to it.
    pub tags: Vec<Tag>,
    /// When it is put, by the wall clock.
    pub now: Time,
    /// The lease from now on, by the steady time, of the manifest and of everything that it holds.
    pub lease: Renewal,
}

/// A manifest about a subject, in a list of referrers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// Its digest.
    pub digest: String,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its artifact type.
    pub artifact_type: Option<String>,
    /// Its annotations, a JSON object.
    pub annotations: String,
}

/// A page of referrers, as large as one answer should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Referrers {
    /// The manifests.
    pub page: Vec<Referrer>,
    /// The mark for the next page; `None` at the end.
    pub more: Option<i64>,
}

/// The most referrers in a page.
pub const MAX_REFERRERS: usize = 1_000;

/// The most bytes of annotations in a page. A page of one referrer may be larger.
pub const MAX_REFERRER_BYTES: usize = 4 << 20;

/// The outcome of putting a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestOutcome {
    /// It is stored, and holds everything that it references.
    Stored,
    /// The repository does not hold this blob.
    BlobUnknown(Digest),
    /// The repository does not hold this child manifest, or the caller may not use it as a child.
    ChildUnknown(Digest),
    /// The descriptor of this blob or child declares a wrong size.
    SizeMismatch(Digest),
    /// Indexes are nested deeper than [`NewManifest::max_depth`].
    TooDeep,
    /// Push logins have put as many manifests about this subject as they may.
    TooManyAbout(Digest),
}

/// The outcome of deleting a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestDeleted {
    /// It is deleted, and every tag on it.
    Deleted,
    /// The repository does not have it.
    NoSuchManifest,
    /// It is registered from this repository, or is part of an index that is registered from it.
    Registered,
}

/// Stores manifests.
#[async_trait]
pub trait Manifests: Send + Sync {
    /// Stores a manifest and moves its tags, if the repository has everything that it references. One
    /// transaction checks and holds the parts. Afterwards the login of `by` may read the manifest back. A
    /// refusal changes nothing, and makes no repository. If the manifest and its tags were there already, only
    /// the lease is renewed, and no event is recorded.
    ///
    /// # Errors
    /// [`OverQuota`](crate::StoreError::OverQuota) if the account would then have too much. Nothing changes.
    async fn put_manifest(
        &self,
        by: &Origin,
        tenant: &Tenant,
        repository: &RepositoryName,
        manifest: NewManifest,
    ) -> Result<ManifestOutcome>;
    /// Finds a manifest. If `put_by` is given, the manifest is found only if this login put it, and by a tag
    /// only if this login also set the tag. With `renewal`, its lease is renewed before the answer.
    async fn manifest(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        reference: &Reference,
        put_by: Option<LoginId>,
        renewal: Option<Renewal>,
    ) -> Result<Option<StoredManifest>>;
    /// Deletes a manifest by digest, even if an unregistered index holds it. The grace period of what it held
    /// begins at `now`, by the steady time.
    async fn delete_manifest(
        &self,
        by: &Origin,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
        now: Time,
    ) -> Result<ManifestDeleted>;
    /// A page of the manifests whose subject is `digest`, oldest first, after the mark `after`; 0 for the first
    /// page. The subject itself may be absent. If `put_by` is given, the page only has manifests that this
    /// login put.
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
