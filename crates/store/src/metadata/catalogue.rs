//! Repositories and manifests as people look at them: a page at a time, the newest first, and what holds one.

use async_trait::async_trait;
use gangplank_core::{Tenant, Time};
use gangplank_oci::{Reference, RepositoryName};

use crate::Result;

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRepository {
    /// Its name.
    pub name: String,
    /// When a manifest last came, by the wall clock.
    pub newest_at: Option<Time>,
}

/// A manifest, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedManifest {
    /// Its digest.
    pub digest: String,
    /// As the client declared it.
    pub media_type: String,
    /// What kind of artifact it is.
    pub artifact_type: Option<String>,
    /// The manifest that it is about.
    pub subject: Option<String>,
    /// When it came, by the wall clock.
    pub created_at: Time,
    /// Its tags in byte order, at most [`MOST_TAGS`].
    pub tags: Vec<String>,
    /// The very bytes.
    pub body: Vec<u8>,
}

/// Which manifests to list.
#[derive(Clone, Debug, Default)]
pub struct ManifestFilter {
    /// Those with a tag that begins so.
    pub tag_prefix: Option<String>,
    /// Also those that belong to another and have no tag: what an index lists, and what is about another manifest.
    pub with_parts: bool,
}

/// A page of manifests, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestPage {
    /// The manifests; there may be none, and still more to come.
    pub manifests: Vec<ListedManifest>,
    /// Where the next page starts, if there is one.
    pub more: Option<i64>,
}

/// A manifest, with what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownManifest {
    /// What is listed of it.
    pub listed: ListedManifest,
    /// When its lease was taken, by the steady time.
    pub leased_at: Time,
    /// Whether anything holds it.
    pub is_held: bool,
    /// The registered images that it is, or is a part of, by their names; of many, the first.
    pub images: Vec<String>,
    /// The services whose current or next deployment runs it; of many, the first.
    pub services: Vec<String>,
    /// The digests of the indexes of its repository that list it; of many, the first.
    pub indexes: Vec<String>,
}

/// The most tags that are told of a manifest.
pub const MOST_TAGS: usize = 100;

/// How many manifests are looked at for one page, so that no question takes long.
pub const LOOKED_AT: usize = 10_000;

/// The most bytes of manifests in a page, but for a page of one.
pub const MOST_BYTES: usize = 8 << 20;

/// Lets people look.
#[async_trait]
pub trait Catalogue: Send + Sync {
    /// Lists the tenant's repositories whose names begin so, in byte order, after `last`.
    async fn list_repositories(
        &self,
        tenant: &Tenant,
        prefix: &str,
        last: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ListedRepository>>;
    /// A page of at most `limit` of a repository's manifests, the newest first, before the mark `before`; `None` if
    /// there is no such repository.
    async fn list_manifests(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        filter: &ManifestFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Option<ManifestPage>>;
    /// One manifest.
    async fn show_manifest(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Option<ShownManifest>>;
}
