//! The errors of a store, divided by what the caller can do next.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use gangplank_core::OverQuota;

/// An error of a store. Nothing was acknowledged, and nothing incomplete is visible.
#[derive(Clone, Debug)]
pub enum StoreError {
    /// There is no space. Reads still work, and writes will work again when there is space.
    Full(Cause),
    /// The store cannot be used now. A retry may succeed.
    Unavailable(Cause),
    /// Every try conflicted with other transactions. Nothing was changed. A retry may succeed.
    Contended(Cause),
    /// The connection was lost during the commit. The change may or may not have been made.
    OutcomeUnknown(Cause),
    /// The store is of another version of the program, or its parts do not belong together. Nothing was
    /// changed.
    Unusable(Cause),
    /// The access key that makes the change was disabled or deleted meanwhile. Nothing was changed.
    CallerEnded,
    /// The account would exceed a quota. Nothing was changed.
    OverQuota(OverQuota),
    /// The stored data differs from what was written.
    Damaged(Cause),
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

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(cause) => write!(f, "the disk is full: {cause}"),
            Self::Unavailable(cause) => write!(f, "storage failed: {cause}"),
            Self::Contended(cause) => write!(f, "others use the same rows: {cause}"),
            Self::OutcomeUnknown(cause) => write!(f, "nobody knows whether the change was made: {cause}"),
            Self::Unusable(cause) => cause.fmt(f),
            Self::CallerEnded => f.write_str("the access key of the caller was disabled or deleted"),
            Self::OverQuota(over) => over.fmt(f),
            Self::Damaged(cause) => write!(f, "stored data is damaged: {cause}"),
        }
    }
}

/// The message contains the cause already. So the source is the cause's own source, and no text appears twice.
impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Full(cause)
            | Self::Unavailable(cause)
            | Self::Contended(cause)
            | Self::OutcomeUnknown(cause)
            | Self::Unusable(cause)
            | Self::Damaged(cause) => cause.0.source(),
            Self::CallerEnded => None,
            Self::OverQuota(over) => over.source(),
        }
    }
}

impl From<OverQuota> for StoreError {
    fn from(over: OverQuota) -> Self {
        Self::OverQuota(over)
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

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::io;

    use super::StoreError;

    #[test]
    fn a_cause_is_said_once() {
        let error = StoreError::unavailable(io::Error::other("the disk is gone"));
        assert_eq!(error.to_string(), "storage failed: the disk is gone");
        let mut rest = Vec::new();
        let mut source = error.source();
        while let Some(error) = source {
            rest.push(error.to_string());
            source = error.source();
        }
        assert!(!rest.iter().any(|said| said.contains("the disk is gone")), "{rest:?}");
    }
}
