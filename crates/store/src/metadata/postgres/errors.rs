//! How errors of PostgreSQL become errors of the store.

use tokio_postgres::error::SqlState;

use super::target::because;
use crate::StoreError;

/// Conflicts with other transactions. The transaction runs again.
const CONTENDED: [&SqlState; 7] = [
    &SqlState::T_R_SERIALIZATION_FAILURE,
    &SqlState::T_R_DEADLOCK_DETECTED,
    &SqlState::FOREIGN_KEY_VIOLATION,
    &SqlState::UNIQUE_VIOLATION,
    &SqlState::LOCK_NOT_AVAILABLE,
    // A change of the schema or a pooler has dropped a prepared statement. The connection is closed, too.
    &SqlState::FEATURE_NOT_SUPPORTED,
    &SqlState::INVALID_SQL_STATEMENT_NAME,
];

/// Errors after which the connection is unusable.
const LOST: [&SqlState; 6] = [
    &SqlState::FEATURE_NOT_SUPPORTED,
    &SqlState::INVALID_SQL_STATEMENT_NAME,
    &SqlState::READ_ONLY_SQL_TRANSACTION,
    &SqlState::ADMIN_SHUTDOWN,
    &SqlState::CRASH_SHUTDOWN,
    &SqlState::CANNOT_CONNECT_NOW,
];

/// Whether the connection is unusable after this error.
pub(super) fn is_lost(error: &tokio_postgres::Error) -> bool {
    error.is_closed() || error.code().is_none_or(|code| LOST.contains(&code))
}

/// The store's error for an error of PostgreSQL.
pub(super) fn explain(error: &tokio_postgres::Error) -> StoreError {
    let said = because(error);
    match error.code() {
        Some(code) if CONTENDED.contains(&code) => StoreError::Contended(said.into()),
        Some(code) if *code == SqlState::DISK_FULL => StoreError::full(said),
        Some(code) if *code == SqlState::DATA_CORRUPTED || *code == SqlState::INDEX_CORRUPTED => {
            StoreError::damaged(said)
        }
        _ => StoreError::unavailable(format!("PostgreSQL: {said}")),
    }
}
