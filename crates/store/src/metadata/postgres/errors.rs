//! How errors of PostgreSQL become errors of the store.

use tokio_postgres::Error;
use tokio_postgres::error::{Severity, SqlState};

use super::target::because;
use crate::StoreError;

/// Conflicts with other transactions. The transaction runs again.
const CONTENDED: [&SqlState; 8] = [
    // A statement has refused the change. The rule finds the reason.
    &SqlState::DIVISION_BY_ZERO,
    &SqlState::T_R_SERIALIZATION_FAILURE,
    &SqlState::T_R_DEADLOCK_DETECTED,
    &SqlState::FOREIGN_KEY_VIOLATION,
    &SqlState::UNIQUE_VIOLATION,
    &SqlState::LOCK_NOT_AVAILABLE,
    // A change of the schema or a pooler has dropped a prepared statement. The connection is closed, too.
    &SqlState::FEATURE_NOT_SUPPORTED,
    &SqlState::INVALID_SQL_STATEMENT_NAME,
];

/// Errors after which the connection is unusable, although the server keeps it open.
const LOST: [&SqlState; 3] = [
    &SqlState::FEATURE_NOT_SUPPORTED,
    &SqlState::INVALID_SQL_STATEMENT_NAME,
    // The server has become a copy of another.
    &SqlState::READ_ONLY_SQL_TRANSACTION,
];

/// Somebody has to change the URL, or the database. Until then, another try does not help.
const REFUSED: [&SqlState; 4] = [
    &SqlState::INVALID_PASSWORD,
    &SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
    &SqlState::INVALID_CATALOG_NAME,
    &SqlState::INSUFFICIENT_PRIVILEGE,
];

/// Whether the connection is unusable after this error.
pub(super) fn is_lost(error: &Error) -> bool {
    is_its_end(error) || error.code().is_none_or(|code| LOST.contains(&code))
}

/// Whether the connection ended with this error. Then nobody knows whether a COMMIT that was in progress took
/// effect. A pooler that has lost the server says so without a severity that programs can read.
pub(super) fn is_its_end(error: &Error) -> bool {
    error.is_closed() || error.as_db_error().is_none_or(|it| it.parsed_severity() != Some(Severity::Error))
}

/// The store's error for an error of PostgreSQL.
pub(super) fn explain(error: &Error) -> StoreError {
    let said = because(error);
    match error.code() {
        Some(code) if CONTENDED.contains(&code) => StoreError::Contended(said.into()),
        Some(code) if *code == SqlState::DISK_FULL => StoreError::full(said),
        Some(code) if *code == SqlState::DATA_CORRUPTED || *code == SqlState::INDEX_CORRUPTED => {
            StoreError::damaged(said)
        }
        Some(code) if REFUSED.contains(&code) => StoreError::unusable(format!(
            "PostgreSQL refuses: {said}; are the user, the password and the name of the database right?"
        )),
        _ => StoreError::unavailable(format!("PostgreSQL: {said}")),
    }
}
