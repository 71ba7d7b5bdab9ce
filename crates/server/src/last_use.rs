//! The last uses of registry logins and access keys, until they are written to their rows.
//!
//! Requests only record a use in memory. A job writes it, at most once a minute for each login or key, or more
//! often while somebody lists them. So no request waits for a write or fails with it. A crash may lose the last
//! minute.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gangplank_core::{AccessKeyId, LoginId, Time};
use gangplank_store::metadata::registry_logins::{Push, Used};

use crate::refusals::Taken;

/// How often the row of one login or key is written.
const EVERY: Duration = Duration::from_mins(1);

/// The recent uses of registry logins.
pub(crate) type LoginUse = LastUse<LoginId, Used>;

/// The recent uses of access keys.
pub(crate) type KeyUse = LastUse<AccessKeyId, Time>;

/// The recent uses of logins or keys, with only the last use of each.
pub(crate) struct LastUse<K, U>(Mutex<HashMap<K, Entry<U>>>);

struct Entry<U> {
    used: U,
    /// Whether this use is not written yet.
    is_news: bool,
    /// When a use was last written, in steady time.
    written: Option<Time>,
}

impl<K, U> Default for LastUse<K, U> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl LastUse<LoginId, Used> {
    /// Records that the login was accepted for a request.
    pub(crate) fn used(&self, login: LoginId, at: Time) {
        self.note(&login, Used { at, push: None }, |before| before.at = at);
    }

    /// Records that the login put a manifest.
    pub(crate) fn pushed(&self, login: LoginId, push: Push) {
        let used = Used { at: push.at, push: Some(push) };
        self.note(&login, used, |before| *before = used);
    }
}

impl LastUse<AccessKeyId, Time> {
    /// Records that the key was accepted for a call.
    pub(crate) fn used(&self, key: &AccessKeyId, at: Time) {
        self.note(key, at, |before| *before = at);
    }
}

impl<K: Clone + Eq + Hash, U: Copy> LastUse<K, U> {
    fn note(&self, key: &K, first: U, change: impl FnOnce(&mut U)) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get_mut(key) {
            change(&mut entry.used);
            entry.is_news = true;
        } else {
            entries.insert(key.clone(), Entry { used: first, is_news: true, written: None });
        }
    }

    /// Puts back the uses that could not be written. A later use takes precedence.
    pub(crate) fn put_back(&self, used: &[(K, U)]) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, used) in used {
            let again = || Entry { used: *used, is_news: true, written: None };
            entries.entry(key.clone()).or_insert_with(again).is_news = true;
        }
    }

    /// Takes the uses that are to be written now. Forgets written ones after a minute.
    pub(crate) fn take(&self, now: Time, which: Taken) -> Vec<(K, U)> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |written: Option<Time>| written.is_none_or(|written| written <= now.minus(EVERY));
        entries.retain(|_, entry| entry.is_news || !is_old(entry.written));
        let due = entries
            .iter_mut()
            .filter(|(_, entry)| entry.is_news && (which == Taken::All || is_old(entry.written)));
        due.map(|(key, entry)| {
            (entry.is_news, entry.written) = (false, Some(now));
            (key.clone(), entry.used)
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_written_once_a_minute_at_most() {
        let logins = LoginUse::default();
        let (now, login) = (Time(1_000_000), LoginId(1));
        let seconds = |seconds| now.plus(Duration::from_secs(seconds));
        logins.used(login, now);
        assert_eq!(logins.take(now, Taken::Due), [(login, Used { at: now, push: None })]);
        let push = Push { at: seconds(5), address: [192, 0, 2, 1].into() };
        logins.pushed(login, push);
        assert_eq!(logins.take(seconds(6), Taken::Due), []);
        logins.used(login, seconds(50));
        let last = Used { at: seconds(50), push: Some(push) };
        assert_eq!(logins.take(seconds(60), Taken::Due), [(login, last)]);
        logins.used(login, seconds(61));
        assert_eq!(logins.take(seconds(62), Taken::All).len(), 1, "whoever looks sees it");
        let lost = [(login, Used { at: seconds(61), push: Some(push) })];
        logins.put_back(&lost);
        assert_eq!(logins.take(seconds(200), Taken::All), lost, "it could not be written");
        assert_eq!(logins.take(seconds(400), Taken::All), []);
        assert!(logins.0.lock().unwrap().is_empty(), "nothing is kept of one that is not used");
    }
}
