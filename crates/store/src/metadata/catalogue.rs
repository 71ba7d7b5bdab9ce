//! Repositories and manifests in pages for people, and the holders of one manifest.

use async_trait::async_trait;
use gangplank_core::{Tenant, Time};
use gangplank_oci::{Reference, RepositoryName};

use crate::Result;

/// A repository in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRepository {
    /// Its name.
    pub name: String,
    /// When the last manifest was added, by the wall clock.
    pub newest_at: Option<Time>,
}

/// A manifest in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedManifest {
    /// Its digest.
    pub digest: String,
    /// The media type that the client declared.
    pub media_type: String,
    /// Its artifact type.
    pub artifact_type: Option<String>,
    /// The digest of its subject.
    pub subject: Option<String>,
    /// When it was added, by the wall clock.
    pub created_at: Time,
    /// Its tags in byte order, at most [`MOST_TAGS`].
    pub tags: Vec<String>,
    /// The bytes that were put.
    pub body: Vec<u8>,
}

/// Which manifests to list.
#[derive(Clone, Debug, Default)]
pub struct ManifestFilter {
    /// Only manifests with a tag that begins with this.
    pub tag_prefix: Option<String>,
    /// Also untagged manifests that belong to another one: the children of an index, and manifests with a
    /// subject.
    pub with_parts: bool,
}

/// A page of manifests, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestPage {
    /// The manifests. A page may be empty although more pages follow.
    pub manifests: Vec<ListedManifest>,
    /// The mark that the next page starts before; `None` at the end.
    pub more: Option<i64>,
}

/// A manifest with its holders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownManifest {
    /// The manifest as in a list.
    pub listed: ListedManifest,
    /// When its lease was renewed, by the steady time.
    pub leased_at: Time,
    /// Whether a row holds it, so that collection leaves it alone.
    pub is_held: bool,
    /// The names of registered images that it is or belongs to; at most 20 of each kind.
    pub images: Vec<String>,
    /// The services whose current or next deployment uses it; at most 20.
    pub services: Vec<String>,
    /// The digests of indexes in its repository that list it; at most 20.
    pub indexes: Vec<String>,
}

/// The most tags that are listed with a manifest.
pub const MOST_TAGS: usize = 100;

/// How many manifests one page looks at, so that no query takes long.
pub const LOOKED_AT: usize = 10_000;

/// The most bytes of manifests in a page. A page of one manifest may be larger.
pub const MOST_BYTES: usize = 8 << 20;

/// Lists repositories and manifests for people.
#[async_trait]
pub trait Catalogue: Send + Sync {
    /// The tenant's repositories whose names begin with `prefix`, in byte order after `last`, at most `limit`.
    async fn list_repositories(
        &self,
        tenant: &Tenant,
        prefix: &str,
        last: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ListedRepository>>;
    /// A page of at most `limit` manifests of a repository before the mark `before`, newest first; `None` if
    /// there is no such repository.
    async fn list_manifests(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        filter: &ManifestFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Option<ManifestPage>>;
    /// One manifest; `None` if the repository does not have it.
    async fn show_manifest(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Option<ShownManifest>>;
}
