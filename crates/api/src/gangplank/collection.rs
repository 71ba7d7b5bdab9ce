//! Garbage collection, asked for by an operator.

use crate::Shape;
use crate::macros::{enumeration, structure};

const GRACE: Shape = Shape::integer("GraceSeconds", 0, i32::MAX);

enumeration! {
    /// What garbage is.
    pub enum GarbageKind {
        /// A manifest.
        Manifest,
        /// A repository's hold on a blob.
        Blob,
    }
}

structure! {
    /// How to collect garbage.
    pub struct CollectGarbageRequest: Default {
        /// Whether to say what would be removed, and to remove nothing.
        "dryRun" dry_run: Option<bool>,
        /// How long ago a client must have been told last that it is there; what the server was told if not
        /// given.
        "graceSeconds" grace_seconds: Option<i32> as &GRACE,
    }
}

structure! {
    /// What was removed, or would be.
    pub struct CollectGarbageResult: Default {
        /// Whether nothing was removed, because only that was asked.
        "dryRun" dry_run: bool,
        /// How many manifests.
        "manifests" manifests: i32,
        /// How many holds of repositories on blobs.
        "blobs" blobs: i32,
        /// How many contents that no repository holds any more.
        "contents" contents: i32,
        /// How many bytes those and the manifests have.
        "freedBytes" freed_bytes: f64,
        /// What would be removed, if that was asked: as much of it as fits an answer.
        "garbage" garbage: Option<Vec<Garbage>>,
    }
}

structure! {
    /// Something that would be removed.
    pub struct Garbage {
        /// Manifest or blob.
        "kind" kind: GarbageKind,
        /// Whose it is.
        "account" account: String,
        /// In which region.
        "region" region: String,
        /// In which repository.
        "repository" repository: String,
        /// Which.
        "digest" digest: String,
        /// Its length in bytes.
        "size" size: f64,
        /// How long ago a client was last told that it is there, in seconds in which a server ran.
        "unusedSeconds" unused_seconds: f64,
        /// Why it is garbage, in words.
        "reason" reason: String,
    }
}
