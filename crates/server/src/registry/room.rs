//! Checks how many bytes an account may still store, before they are received.
//!
//! If a quota is set, it limits the bytes that rows count plus those that are arriving. Without a quota, an
//! account may use the disk except for its last tenth, which is left to other accounts.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use gangplank_core::{AccountId, OverQuota, Quota};
use gangplank_store::blobs::Space;
use gangplank_store::{Result, StoreError};

use super::Context;

/// The number of received bytes between two checks of the disk's free space.
const STEP: u64 = 8 << 20;

/// A body of unknown length reserves this many bytes ahead.
const AHEAD: u64 = 1 << 20;

/// The most bytes that are left to other accounts.
const MOST_LEFT: u64 = 10 << 30;

/// For each account, the number of bytes that are arriving or expected, and that no row counts yet.
#[derive(Default)]
pub(crate) struct InFlight(Mutex<HashMap<AccountId, u64>>);

impl InFlight {
    /// Adds bytes of an account. Returns the account's new total.
    fn add(&self, account: &AccountId, bytes: u64) -> u64 {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = accounts.entry(account.clone()).or_default();
        *all = all.saturating_add(bytes);
        *all
    }

    fn remove(&self, account: &AccountId, bytes: u64) {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(all) = accounts.get_mut(account) {
            *all = all.saturating_sub(bytes);
            if *all == 0 {
                accounts.remove(account);
            }
        }
    }
}

/// The room that one body has reserved.
pub(super) struct Room<'a> {
    context: &'a Context<'a>,
    /// The number of bytes reserved.
    held: u64,
    /// The number of received bytes at which the disk is checked again.
    look_at: u64,
}

impl<'a> Room<'a> {
    /// Reserves room for a body. `declared` is its length in bytes, if it is known.
    ///
    /// # Errors
    /// If the account may not store that much, or if the store fails.
    pub(super) async fn for_body(context: &'a Context<'a>, declared: Option<u64>) -> Result<Self> {
        let mut room = Self { context, held: 0, look_at: STEP };
        room.hold(declared.unwrap_or(0)).await?;
        Ok(room)
    }

    /// Makes sure that room is reserved for the first `bytes` bytes of the body.
    ///
    /// # Errors
    /// If the account may not store that much, or if the store fails.
    pub(super) async fn grow(&mut self, bytes: u64) -> Result<()> {
        if let Some(more) = bytes.checked_sub(self.held).filter(|more| *more > 0) {
            // Reserves some bytes ahead, so that not every piece needs a query. Near the quota it reserves
            // exactly.
            return match self.hold(more.max(AHEAD)).await {
                Err(StoreError::OverQuota(_)) if more < AHEAD => self.hold(more).await,
                held => held,
            };
        }
        if bytes >= self.look_at {
            self.look_at = bytes + STEP;
            return require_left(self.context, 0).await;
        }
        Ok(())
    }

    /// Reserves room for `more` bytes, or changes nothing.
    async fn hold(&mut self, more: u64) -> Result<()> {
        if more == 0 {
            return Ok(());
        }
        let Context { app, grant, .. } = self.context;
        let Some(allowed) = app.quotas.account_bytes else {
            require_left(self.context, more).await?;
            self.held += more;
            return Ok(());
        };
        let account = &grant.tenant.account;
        let coming = app.in_flight.add(account, more);
        self.held += more;
        let used = app.metadata.used_bytes(&grant.tenant).await?.saturating_add(coming);
        if used > allowed {
            app.in_flight.remove(account, more);
            self.held -= more;
            // The bytes of this unfinished body do not count as the account's yet.
            let used = used.saturating_sub(more).saturating_sub(self.held);
            return Err(StoreError::OverQuota(OverQuota { quota: Quota::Bytes, used, allowed }));
        }
        Ok(())
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        let Context { app, grant, .. } = self.context;
        app.in_flight.remove(&grant.tenant.account, self.held);
    }
}

/// If no quota is set, refuses bytes that would use the part of the disk that is left to other accounts.
pub(super) async fn require_left(context: &Context<'_>, more: u64) -> Result<()> {
    let Context { app, grant, .. } = context;
    if app.quotas.account_bytes.is_some() {
        return Ok(());
    }
    let Some(space) = app.blobs.space().await? else { return Ok(()) };
    let left = left_to_others(space);
    if space.free >= left.saturating_add(more) || app.metadata.is_alone(&grant.tenant.account).await? {
        return Ok(());
    }
    let used = app.metadata.used_bytes(&grant.tenant).await?;
    let allowed = allowed(used, space);
    if used.saturating_add(more) > allowed {
        return Err(StoreError::OverQuota(OverQuota { quota: Quota::Bytes, used, allowed }));
    }
    Ok(())
}

/// The bytes that are left to other accounts: a tenth of the disk, up to a limit.
fn left_to_others(space: Space) -> u64 {
    (space.total / 10).min(MOST_LEFT)
}

/// The most bytes that an account may store if it uses `used` bytes now. A small account may also use the part
/// of the disk that others have to leave free.
fn allowed(used: u64, space: Space) -> u64 {
    let left = left_to_others(space);
    let available = used.saturating_add(space.free);
    available.saturating_sub(left).max(left.min(available))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_tenth_is_left_to_those_who_have_little() {
        let space = |free| Space { total: 1_000, free };
        assert_eq!(allowed(0, space(1_000)), 900);
        assert_eq!(allowed(850, space(150)), 900);
        assert_eq!(allowed(900, space(100)), 900, "it has all that it may have");
        assert_eq!(allowed(0, space(100)), 100, "another may have the rest");
        assert_eq!(allowed(60, space(40)), 100);
        assert_eq!(allowed(0, space(30)), 30, "there is no more");
        let large = Space { total: 1 << 50, free: 1 << 50 };
        assert_eq!(allowed(0, large), (1 << 50) - MOST_LEFT);
    }
}
