//! A caller that gives somebody rights must still have rights itself.
//!
//! A call is authorized before its transaction, and perhaps by another process than the one that disables its key.
//! So a rule that gives rights asks again. It keeps the key locked until its commit. Then it happens either before
//! the key is disabled, and the disabling transaction sees its effect, or not at all.

use gangplank_core::{AccessKeyId, Origin, Owner};

use crate::metadata::tx::{Level, Lock, Query, Tx, values};
use crate::{Result, StoreError};

/// Locks the access key that makes a change, so that it stays enabled until the commit.
///
/// Sessions of roles make no keys and no roles. The server and its administrators on the machine need no key.
///
/// # Errors
/// [`StoreError::CallerEnded`] if the key is disabled or deleted.
pub(crate) fn rely_on_caller(tx: &dyn Tx, by: &Origin) -> Result<()> {
    let Some(caller) = key_of(by) else { return Ok(()) };
    let lock =
        Query::<bool>::column("SELECT enabled FROM access_keys WHERE id = ?1", values![caller.as_str()]);
    match tx.lock_one(Level::Principal, Lock::Share, &lock)? {
        Some(true) => Ok(()),
        Some(false) => Err(StoreError::CallerEnded),
        None => {
            let find = "SELECT EXISTS (SELECT 1 FROM deleted_access_keys WHERE id = ?1)";
            let is_deleted = tx.one(&Query::<bool>::column(find, values![caller.as_str()]))?;
            if is_deleted { Err(StoreError::CallerEnded) } else { Ok(()) }
        }
    }
}

/// The access key that makes a change.
pub(crate) fn key_of(by: &Origin) -> Option<AccessKeyId> {
    by.owner.as_ref().and_then(Owner::access_key)
}
