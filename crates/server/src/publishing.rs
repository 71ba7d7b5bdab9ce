//! The contents that this run is publishing. Their bytes may exist before their rows.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use gangplank_store::blobs::ContentKey;

/// The contents whose row is not written yet.
#[derive(Debug, Default)]
pub(crate) struct Publishing(Mutex<HashSet<ContentKey>>);

/// A content that is being published. The value is dropped when it is certain whether there is a row.
#[derive(Debug)]
pub(crate) struct OnItsWay<'a> {
    all: &'a Publishing,
    key: ContentKey,
}

impl Publishing {
    /// Records that content is about to be published.
    pub(crate) fn begin(&self, key: &ContentKey) -> OnItsWay<'_> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        OnItsWay { all: self, key: key.clone() }
    }

    /// Whether content is being published, or nobody knows whether its row was written.
    pub(crate) fn holds(&self, key: &ContentKey) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }
}

impl OnItsWay<'_> {
    /// Keeps the content recorded until the next start, because nobody knows whether it has a row.
    pub(crate) fn stays_on_its_way(self) {
        std::mem::forget(self);
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}
