//! What can go wrong with a store, by what the caller does next.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use gangplank_core::OverQuota;

/// A store could not do what it was asked; nothing was acknowledged and nothing half done is visible.
#[derive(Clone, Debug)]
pub enum StoreError {
    /// No space is left. Reads still work; writes will again when space returns.
    Full(Cause),
    /// The store cannot be used now; a retry may succeed.
    Unavailable(Cause),
    /// Others were in the way each time that it was tried. Nothing was changed; a retry may succeed.
    Contended(Cause),
    /// The connection was lost while the change was committed: it was made or not.
    OutcomeUnknown(Cause),
    /// It is not a store of this program's version; nothing was changed.
    Unusable(Cause),
    /// The account would have more than it may. Nothing was changed.
    OverQuota(OverQuota),
    /// What was read is not what was written.
    Damaged(Cause),
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

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(cause) => write!(f, "the disk is full: {cause}"),
            Self::Unavailable(cause) => write!(f, "storage failed: {cause}"),
            Self::Contended(cause) => write!(f, "others use the same rows: {cause}"),
            Self::OutcomeUnknown(cause) => write!(f, "nobody knows whether the change was made: {cause}"),
            Self::Unusable(cause) => cause.fmt(f),
            Self::OverQuota(over) => over.fmt(f),
            Self::Damaged(cause) => write!(f, "stored data is damaged: {cause}"),
        }
    }
}

/// The message has the cause already, so the chain goes on behind it and nothing is said twice.
impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Full(cause)
            | Self::Unavailable(cause)
            | Self::Contended(cause)
            | Self::OutcomeUnknown(cause)
            | Self::Unusable(cause)
            | Self::Damaged(cause) => cause.0.source(),
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
