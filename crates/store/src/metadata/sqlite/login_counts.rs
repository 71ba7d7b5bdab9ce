//! How many live logins an account and a principal have, at the most.
//!
//! Logins end by themselves, so no counter stays true. Each login that is made counts here, in memory, and when that
//! comes to what is allowed, those that are live are counted in the database. So most logins are made without a look
//! at others.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use gangplank_core::quotas::half;
use gangplank_core::{AccountId, OverQuota, Owner, Quota, Time};
use rusqlite::{Connection, params};

use super::rows;
use crate::metadata::registry_logins::NewLogin;
use crate::{Result, StoreError};

/// How many counts are kept. Others are counted anew.
const KEPT: usize = 10_000;

/// Counts that are never too low, by account and principal; of an account as a whole without one.
#[derive(Default)]
pub(super) struct LoginCounts(Mutex<HashMap<(AccountId, Option<Owner>), u64>>);

impl LoginCounts {
    /// Counts a login that was just inserted; refuses it if its account has `quota` others, or its principal half as
    /// many.
    pub(super) fn admit(&self, connection: &Connection, login: &NewLogin, quota: u32) -> Result<()> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() > KEPT {
            counts.clear();
        }
        let account = &login.tenant.account;
        for (quota, owner, allowed) in [
            (Quota::RegistryLogins, None, quota),
            (Quota::LoginsOfPrincipal, Some(login.owner.clone()), half(quota)),
        ] {
            let (allowed, key) = (u64::from(allowed), (account.clone(), owner));
            let mut count = counts.get(&key).map_or(u64::MAX, |count| count + 1);
            if count > allowed {
                count = count_live(connection, account, key.1.as_ref(), login.created_at)?;
            }
            // This one is among them.
            let used = count.saturating_sub(1);
            let is_over = count > allowed;
            counts.insert(key, if is_over { used } else { count });
            if is_over {
                return Err(StoreError::OverQuota(OverQuota { quota, used, allowed }));
            }
        }
        Ok(())
    }
}

fn count_live(connection: &Connection, account: &AccountId, owner: Option<&Owner>, now: Time) -> Result<u64> {
    let mut count = connection.prepare_cached(
        "SELECT count(*) FROM registry_logins
         WHERE tenant IN (SELECT id FROM tenants WHERE account = ?1) AND expires_at > ?2 AND revoked_at IS NULL
           AND (?3 IS NULL OR owner = ?3)",
    )?;
    let key = params![account.as_str(), now.0, owner.map(Owner::as_str)];
    rows::unsigned(count.query_row(key, |row| row.get(0))?)
}
