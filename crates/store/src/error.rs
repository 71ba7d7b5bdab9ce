//! What can go wrong with a store, by what the caller does next.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use gangplank_core::OverQuota;

/// A store could not do what it was asked; nothing was acknowledged and nothing half done is visible.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// No space is left. Reads still work; writes will again when space returns.
    #[error("the disk is full: {0}")]
    Full(#[source] Cause),
    /// The store cannot be used now; a retry may succeed.
    #[error("storage failed: {0}")]
    Unavailable(#[source] Cause),
    /// Others were in the way each time that it was tried. Nothing was changed; a retry may succeed.
    #[error("others use the same rows: {0}")]
    Contended(#[source] Cause),
    /// The connection was lost while the change was committed: it was made or not.
    #[error("nobody knows whether the change was made: {0}")]
    OutcomeUnknown(#[source] Cause),
    /// It is not a store of this program's version; nothing was changed.
    #[error("{0}")]
    Unusable(#[source] Cause),
    /// The account would have more than it may. Nothing was changed.
    #[error(transparent)]
    OverQuota(#[from] OverQuota),
    /// What was read is not what was written.
    #[error("stored data is damaged: {0}")]
    Damaged(#[source] Cause),
}

/// The result of every store call.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why: an error of a library or of the system, or a sentence.
#[derive(Clone)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl StoreError {
    /// No space is left.
    pub fn full(cause: impl Into<Cause>) -> Self {
        Self::Full(cause.into())
    }

    /// The store cannot be used now.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        Self::Unavailable(cause.into())
    }

    /// It is not a store of this program's version.
    pub fn unusable(cause: impl Into<Cause>) -> Self {
        Self::Unusable(cause.into())
    }

    /// What was read is not what was written.
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
