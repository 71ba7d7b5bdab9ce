//! Garbage collection: removes what nothing holds and whose lease is over.
//!
//! A manifest is held if it is registered, if an index of its repository contains it, or if its repository has
//! its subject. A blob is held if a manifest of its repository references it. A tag holds nothing. Everything
//! else lives as long as its lease ([`Leases`](gangplank_core::Leases)).

use async_trait::async_trait;
use gangplank_core::{Tenant, Time};

use crate::Result;

/// The numbers of things that a step of collection removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// The number of manifests. Their tags were removed with them.
    pub manifests: u64,
    /// The number of links of repositories to blobs.
    pub blobs: u64,
    /// The number of contents that no repository has any more. Their bytes are discarded.
    pub contents: u64,
    /// The bytes of these contents and manifests.
    pub bytes: u64,
    /// The number of repositories that became empty.
    pub repositories: u64,
}

impl Collected {
    /// Adds the numbers of another step.
    pub fn add(&mut self, other: &Self) {
        self.manifests += other.manifests;
        self.blobs += other.blobs;
        self.contents += other.contents;
        self.bytes += other.bytes;
        self.repositories += other.repositories;
    }
}

/// The kind of a piece of garbage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GarbageKind {
    /// A manifest.
    Manifest,
    /// The link of a repository to a blob.
    Blob,
}

/// Why collection would remove something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GarbageReason {
    /// Nothing holds it.
    Unheld,
    /// Only garbage holds it: this manifest, and perhaps others.
    HeldByGarbage(String),
}

/// Something that a cycle would remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Garbage {
    /// Whether it is a manifest or a blob.
    pub kind: GarbageKind,
    /// The tenant that it belongs to.
    pub tenant: Tenant,
    /// Its repository.
    pub repository: String,
    /// Its digest.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
    /// How many bytes are freed with it. A blob that another repository has frees none.
    pub frees: u64,
    /// When its lease was last renewed, by the steady time.
    pub leased_at: Time,
    /// Why it would be removed.
    pub reason: GarbageReason,
}

/// The amount of work at the beginning of a cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Manifests that nothing holds and whose lease is over.
    pub manifests: usize,
    /// Links of repositories to blobs that nothing holds and whose lease is over.
    pub blobs: usize,
}

/// Collects garbage. These calls cover all tenants. Clients never see their answers.
#[async_trait]
pub trait Collection: Send + Sync {
    /// Removes about `rows` rows that nothing holds and whose lease was taken at `over` or earlier. If there is
    /// anything to remove, it removes something. One transaction decides and removes. Rows that only the
    /// removed rows held are garbage for the next step. The bytes of contents are discarded
    /// ([`discarded`](super::BlobLinks::discarded)).
    async fn collect(&self, over: Time, now: Time, rows: usize) -> Result<Collected>;
    /// Returns some free space of the database to the file system, in a few milliseconds. `false` if another
    /// step is not worth while. Space that a reader still sees is returned later.
    async fn give_back(&self) -> Result<bool>;
    /// How much [`collect`](Self::collect) would remove first, each number counted up to `most`.
    async fn waiting(&self, over: Time, most: usize) -> Result<Waiting>;
    /// Everything that [`collect`](Self::collect) would remove if it were called until the end and nobody
    /// changed anything meanwhile.
    async fn garbage(&self, over: Time) -> Result<Vec<Garbage>>;
}
