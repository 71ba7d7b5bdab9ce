//! The errors of a store, divided by what the caller can do next.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use gangplank_core::OverQuota;

/// An error of a store. Nothing was acknowledged, and nothing incomplete is visible.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no space. Reads still work, and writes will work again when there is space.
    #[error("the disk is full: {0}")]
    Full(#[source] Cause),
    /// The store cannot be used now. A retry may succeed.
    #[error("storage failed: {0}")]
    Unavailable(#[source] Cause),
    /// Every try conflicted with other transactions. Nothing was changed. A retry may succeed.
    #[error("others use the same rows: {0}")]
    Contended(#[source] Cause),
    /// The connection was lost during the commit. The change may or may not have been made.
    #[error("nobody knows whether the change was made: {0}")]
    OutcomeUnknown(#[source] Cause),
    /// The store is of another version of the program, or its parts do not belong together. Nothing was
    /// changed.
    #[error("{0}")]
    Unusable(#[source] Cause),
    /// The account would exceed a quota. Nothing was changed.
    #[error(transparent)]
    OverQuota(#[from] OverQuota),
    /// The stored data differs from what was written.
    #[error("stored data is damaged: {0}")]
    Damaged(#[source] Cause),
}

/// The result of every store call.
pub type Result<T> = std::result::Result<T, StoreError>;

/// The cause: an error of a library or of the system, or a sentence.
#[derive(Clone)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl StoreError {
    /// The error that there is no space.
    pub fn full(cause: impl Into<Cause>) -> Self {
        Self::Full(cause.into())
    }

    /// The error that the store cannot be used now.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        Self::Unavailable(cause.into())
    }

    /// The error that the store cannot be used by this program.
    pub fn unusable(cause: impl Into<Cause>) -> Self {
        Self::Unusable(cause.into())
    }

    /// The error that stored data is damaged.
    pub fn damaged(cause: impl Into<Cause>) -> Self {
        Self::Damaged(cause.into())
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Cause {
    fn from(error: E) -> Self {
        Self(Arc::from(error.into()))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::ops::Deref for Cause {
    type Target = dyn Error + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::full(error),
            _ => Self::unavailable(error),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::full(error),
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                Self::damaged(error)
            }
            _ => Self::unavailable(error),
        }
    }
}
