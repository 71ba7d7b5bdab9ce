//! Garbage collection: what nothing holds, once its lease is over.
//!
//! Held is a manifest that is registered, that an index of its repository contains, or whose subject
//! is in its repository; and a blob that a manifest of its repository references. A tag holds
//! nothing. Everything else lives as long as its lease ([`Leases`](gangplank_core::Leases)).

use async_trait::async_trait;
use gangplank_core::{Tenant, Time};

use crate::Result;

/// What a step of collection removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Manifests, with their tags.
    pub manifests: u64,
    /// Holds of repositories on blobs.
    pub blobs: u64,
    /// Contents that no repository holds any more: their bytes are now discarded.
    pub contents: u64,
    /// How many bytes those and the manifests have.
    pub bytes: u64,
    /// Repositories that had nothing left.
    pub repositories: u64,
}

impl Collected {
    /// Adds what another step removed.
    pub fn add(&mut self, other: &Self) {
        self.manifests += other.manifests;
        self.blobs += other.blobs;
        self.contents += other.contents;
        self.bytes += other.bytes;
        self.repositories += other.repositories;
    }
}

/// What garbage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GarbageKind {
    /// A manifest.
    Manifest,
    /// A repository's hold on a blob.
    Blob,
}

/// Why something is garbage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GarbageReason {
    /// Nothing holds it.
    Unheld,
    /// Whatever holds it is garbage itself: this manifest, for one.
    HeldByGarbage(String),
}

/// Something that a cycle would remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Garbage {
    /// Manifest or blob.
    pub kind: GarbageKind,
    /// Whose it is.
    pub tenant: Tenant,
    /// In which repository.
    pub repository: String,
    /// Which.
    pub digest: String,
    /// Its length in bytes.
    pub size: u64,
    /// How many bytes go with it: of a blob, none while another repository holds it.
    pub frees: u64,
    /// When its lease was last renewed, by the steady time.
    pub leased_at: Time,
    /// Why.
    pub reason: GarbageReason,
}

/// How much a cycle begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Manifests that nothing holds and whose lease is over.
    pub manifests: usize,
    /// Holds of repositories on blobs that are so.
    pub blobs: usize,
}

/// Collects garbage. These calls see all tenants and answer no client.
#[async_trait]
pub trait Collection: Send + Sync {
    /// Removes some of what nothing holds and whose lease was taken at `over` or earlier: about `rows`
    /// rows, and nothing only if there was none. That it is garbage is decided in the transaction that
    /// removes it. What only garbage held is garbage for the next step. Contents go to
    /// [`discarded`](super::BlobLinks::discarded).
    async fn collect(&self, over: Time, now: Time, rows: usize) -> Result<Collected>;
    /// Gives back to the file system some of the space that what was removed took among the rows, in a few
    /// milliseconds; `false` if there is no more worth it. What a reader still sees stays until it is done.
    async fn give_back(&self) -> Result<bool>;
    /// How much of what [`collect`](Self::collect) would remove first there is, each counted up to `most`.
    async fn waiting(&self, over: Time, most: usize) -> Result<Waiting>;
    /// What [`collect`](Self::collect) would remove, if it were called again and again and nobody did
    /// anything else.
    async fn garbage(&self, over: Time) -> Result<Vec<Garbage>>;
}
