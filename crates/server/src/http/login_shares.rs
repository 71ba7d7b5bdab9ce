//! The part of a memory budget that one login may take. So one leaked login cannot use up the memory that all logins
//! share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use gangplank_core::LoginId;
use tokio::sync::Semaphore;

/// The smallest number of logins that can use up the budget together.
pub(super) const SHARES: usize = 4;

/// The shares of all logins that hold memory.
pub(super) struct LoginShares {
    each: usize,
    held: Mutex<HashMap<LoginId, Weak<Semaphore>>>,
}

impl LoginShares {
    /// The shares of a budget of `units` units. A share has at least `least` units, if the budget has so many.
    pub(super) fn new(units: usize, least: usize) -> Self {
        Self { each: (units / SHARES).max(least.min(units)), held: Mutex::default() }
    }

    /// The number of units that one login may hold.
    pub(super) fn each(&self) -> usize {
        self.each
    }

    /// The share of a login.
    pub(super) fn of(&self, login: LoginId) -> Arc<Semaphore> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = held.get(&login).and_then(Weak::upgrade) {
            return share;
        }
        held.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(self.each));
        held.insert(login, Arc::downgrade(&share));
        share
    }
}
