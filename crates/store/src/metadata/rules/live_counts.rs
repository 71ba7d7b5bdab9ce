//! How many live logins an account and a principal have, at the most, and how many sessions an account and a role.
//!
//! They end by themselves, so no counter stays true. Each one that is made counts here, in memory, and when that
//! comes to what is allowed, those that are live are counted in the database. So most are made without a look
//! at others. Where others make them too, they are counted each time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use gangplank_core::{AccountId, Owner, Quota};

use crate::Result;

/// How many counts are kept. Others are counted anew.
const KEPT: usize = 10_000;

/// Counts that are never too low, by quota, account and principal; of an account as a whole without one.
pub(crate) enum LiveCounts {
    /// Nobody else makes any. A rule that fails, or runs again, leaves a count too high.
    Kept(Mutex<HashMap<Key, u64>>),
    /// Others may make some.
    Counted,
}

type Key = (Quota, AccountId, Option<Owner>);

impl LiveCounts {
    /// None yet, to be kept.
    pub(crate) fn kept() -> Self {
        Self::Kept(Mutex::default())
    }

    /// Counts one that was just inserted; refuses it if there are `allowed` others. `count_live` counts those that are
    /// live in the database, this one among them.
    pub(crate) fn admit(
        &self,
        quota: Quota,
        account: &AccountId,
        owner: Option<&Owner>,
        allowed: u32,
        count_live: impl FnOnce() -> Result<u64>,
    ) -> Result<()> {
        let allowed = u64::from(allowed);
        let Self::Kept(counts) = self else {
            return Ok(quota.admit(count_live()?.saturating_sub(1), 1, allowed)?);
        };
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() > KEPT {
            counts.clear();
        }
        let key = (quota, account.clone(), owner.cloned());
        let mut count = counts.get(&key).map_or(u64::MAX, |count| count + 1);
        if count > allowed {
            count = count_live()?;
        }
        // This one is among them.
        let used = count.saturating_sub(1);
        let admitted = quota.admit(used, 1, allowed);
        counts.insert(key, if admitted.is_ok() { count } else { used });
        Ok(admitted?)
    }
}
