//! Counts live logins and sessions for quotas: logins per account and per principal, sessions per account and
//! per role.
//!
//! Logins and sessions end by time, without any write, so a stored counter would become wrong. Instead each new
//! one is counted in memory. Only when the count reaches the quota are the live rows counted in the database.
//! So most insertions need no query. If several processes insert, the rows are counted every time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use gangplank_core::{AccountId, Owner, Quota};

use crate::Result;

/// How many counts are kept in memory. Beyond that all are dropped and counted again.
const KEPT: usize = 10_000;

/// Counts that are never too low. The key is quota, account and principal; without a principal it is the whole
/// account.
pub(crate) enum LiveCounts {
    /// This process alone makes them. A rule that fails or runs again leaves the count too high, which is
    /// harmless.
    Kept(Mutex<HashMap<Key, u64>>),
    /// Other processes make them too, so each insertion counts them in the database.
    Counted,
}

type Key = (Quota, AccountId, Option<Owner>);

impl LiveCounts {
    /// Begins with no counts, for a process that alone makes logins and sessions.
    pub(crate) fn kept() -> Self {
        Self::Kept(Mutex::default())
    }

    /// Counts a row that was just inserted, for its account and for its owner. `count_live` counts the live rows of the
    /// account and of the owner in the database. Both numbers include the new row.
    ///
    /// # Errors
    /// [`StoreError::OverQuota`](crate::StoreError::OverQuota) if either had as many rows as allowed before.
    pub(crate) fn admit(
        &self,
        (account, owner): (&AccountId, &Owner),
        quotas: [(Quota, u32); 2],
        count_live: impl FnOnce() -> Result<[u64; 2]>,
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
        let (mut counted, mut count_live) = (None, Some(count_live));
        let keys =
            [(quotas[0].0, account.clone(), None), (quotas[1].0, account.clone(), Some(owner.clone()))];
        for (at, (key, (quota, allowed))) in keys.into_iter().zip(quotas).enumerate() {
            let allowed = u64::from(allowed);
            let mut count = counts.get(&key).map_or(u64::MAX, |count| count + 1);
            if count > allowed {
                if let Some(count_live) = count_live.take() {
                    counted = Some(count_live()?);
                }
                count = counted.map_or(0, |live| live[at]);
            }
            // The new row is among those counted.
            let used = count.saturating_sub(1);
            let admitted = quota.admit(used, 1, allowed);
            counts.insert(key, if admitted.is_ok() { count } else { used });
            admitted?;
        }
        Ok(())
    }
}
