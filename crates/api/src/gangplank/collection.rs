//! Garbage collection that an operator starts.

use crate::Shape;
use crate::macros::{enumeration, structure};

const GRACE: Shape = Shape::integer("GraceSeconds", 0, i32::MAX);

enumeration! {
    /// The kind of a piece of garbage.
    pub enum GarbageKind {
        /// A manifest.
        Manifest,
        /// A blob in a repository. Other repositories may have it too.
        Blob,
    }
}

structure! {
    /// The options of a collection.
    pub struct CollectGarbageRequest: Default {
        /// Whether to list what would be removed, and to remove nothing.
        "dryRun" dry_run: Option<bool>,
        /// The grace period: content is kept for this long after a client was last told that it is there; the server's
        /// own if not given.
        "graceSeconds" grace_seconds: Option<i32> as &GRACE,
    }
}

structure! {
    /// The result of a collection.
    pub struct CollectGarbageResult: Default {
        /// Whether nothing was removed, because only a list was asked for.
        "dryRun" dry_run: bool,
        /// The number of manifests.
        "manifests" manifests: i32,
        /// The number of blobs that were removed from repositories.
        "blobs" blobs: i32,
        /// The number of contents that no repository has any more.
        "contents" contents: i32,
        /// The bytes of those contents and of the manifests.
        "freedBytes" freed_bytes: f64,
        /// How long the bytes of those contents stay in the bucket. A bucket that keeps versions has them for longer.
        /// Missing if they are in a directory, from which they go at once.
        "restoreWindowSeconds" restore_window_seconds: Option<f64>,
        /// The garbage that would be removed, if a list was asked for: as much of it as fits an answer.
        "garbage" garbage: Option<Vec<Garbage>>,
    }
}

structure! {
    /// Something that would be removed.
    pub struct Garbage {
        /// Whether it is a manifest or a blob.
        "kind" kind: GarbageKind,
        /// The account that it belongs to.
        "account" account: String,
        /// The region that it is in.
        "region" region: String,
        /// The repository that it is in.
        "repository" repository: String,
        /// The digest.
        "digest" digest: String,
        /// Its length in bytes.
        "size" size: f64,
        /// How long ago a client was last told that it is there, in seconds of the server's running time.
        "unusedSeconds" unused_seconds: f64,
        /// The reason for which it is garbage.
        "reason" reason: String,
    }
}
