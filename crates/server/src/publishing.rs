//! Which contents this run is publishing: their bytes may be there before their row is.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use gangplank_store::blobs::ContentKey;

/// The contents that are on their way from bytes to a row.
#[derive(Debug, Default)]
pub(crate) struct Publishing(Mutex<HashSet<ContentKey>>);

/// Content on its way; it has arrived when this is dropped.
#[derive(Debug)]
pub(crate) struct OnItsWay<'a> {
    all: &'a Publishing,
    key: ContentKey,
}

impl Publishing {
    /// Notes that content is about to be published.
    pub(crate) fn begin(&self, key: &ContentKey) -> OnItsWay<'_> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        OnItsWay { all: self, key: key.clone() }
    }

    /// Whether content is on its way, or did not arrive.
    pub(crate) fn holds(&self, key: &ContentKey) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }
}

impl OnItsWay<'_> {
    /// Nobody knows whether there is a row: the content stays on its way until the next start.
    pub(crate) fn stays_on_its_way(self) {
        std::mem::forget(self);
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}
