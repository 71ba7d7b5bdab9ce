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

    /// Counts one that was just inserted, for its account and for its owner in it; refuses it if either has as many others
    /// as it may. `count_live` counts those of both that are live in the database, this one among them.
    pub(crate) fn admit(
        &self,
        (account, owner): (&AccountId, &Owner),
        quotas: [(Quota, u32); 2],
        count_live: impl Fn() -> Result<[u64; 2]>,
    ) -> Result<()> {
        let Self::Kept(counts) = self else {
            let live = count_live()?;
            return quotas.iter().zip(live).try_for_each(|((quota, allowed), live)| {
                Ok(quota.admit(live.saturating_sub(1), 1, (*allowed).into())?)
            });
        };
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() > KEPT {
            counts.clear();
        }
        let mut counted = None;
        let keys =
            [(quotas[0].0, account.clone(), None), (quotas[1].0, account.clone(), Some(owner.clone()))];
        for (at, (key, (quota, allowed))) in keys.into_iter().zip(quotas).enumerate() {
            let allowed = u64::from(allowed);
            let mut count = counts.get(&key).map_or(u64::MAX, |count| count + 1);
            if count > allowed {
                let live = match counted {
                    Some(live) => live,
                    None => *counted.insert(count_live()?),
                };
                count = live[at];
            }
            // This one is among them.
            let used = count.saturating_sub(1);
            let admitted = quota.admit(used, 1, allowed);
            counts.insert(key, if admitted.is_ok() { count } else { used });
            admitted?;
        }
        Ok(())
    }
}
