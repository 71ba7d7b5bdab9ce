//! How far a push has come.

use std::sync::atomic::{AtomicU64, Ordering};

use gangplank_oci::Digest;

/// What has been sent so far.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    bytes: AtomicU64,
}

impl Progress {
    /// Bytes of blobs that went out, those that had to go twice counted twice.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn sending(&self, _: &Digest, _: u64, piece: u64) {
        self.bytes.fetch_add(piece, Ordering::Relaxed);
    }
}
