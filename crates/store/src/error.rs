//! What can go wrong with a store, by what the caller does next.

use gangplank_core::OverQuota;

/// A store could not do what it was asked; nothing was acknowledged and nothing half done is visible.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// No space is left. Reads still work; writes will again when space returns.
    #[error("the disk is full: {0}")]
    Full(String),
    /// The store cannot be used now; a retry may succeed.
    #[error("storage failed: {0}")]
    Unavailable(String),
    /// It is not a store of this program's version; nothing was changed.
    #[error("{0}")]
    Unusable(String),
    /// The account would have more than it may. Nothing was changed.
    #[error(transparent)]
    OverQuota(#[from] OverQuota),
    /// What was read is not what was written.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
}

/// The result of every store call.
pub type Result<T> = std::result::Result<T, StoreError>;

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Self::Full(error.to_string())
            }
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full(error.to_string()),
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Unavailable(error.to_string()),
        }
    }
}
