//! When registry logins were last used, on its way into their rows.
//!
//! Each request tells here, in memory. A job writes it, for each login once a minute at most, and more often only
//! while somebody lists logins. So no request waits for it or fails with it. A crash may lose the last minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gangplank_core::{LoginId, Time};
use gangplank_store::metadata::registry_logins::{Push, Used};

use crate::refusals::Taken;

/// How often the row of a login is written.
const EVERY: Duration = Duration::from_mins(1);

/// The logins that were used lately.
#[derive(Default)]
pub(crate) struct LoginUse(Mutex<HashMap<LoginId, Entry>>);

struct Entry {
    used: Used,
    /// Whether it was used since it was written.
    is_news: bool,
    /// When it was written, by the steady time.
    written: Option<Time>,
}

impl LoginUse {
    /// Notes that a request with the login was let in.
    pub(crate) fn used(&self, login: LoginId, at: Time) {
        self.note(login, at, None);
    }

    /// Notes that the login put a manifest.
    pub(crate) fn pushed(&self, login: LoginId, push: Push) {
        self.note(login, push.at, Some(push));
    }

    fn note(&self, login: LoginId, at: Time, push: Option<Push>) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Entry { used: Used { at, push }, is_news: true, written: None };
        let entry = entries.entry(login).or_insert_with(new);
        entry.used = Used { at, push: push.or(entry.used.push) };
        entry.is_news = true;
    }

    /// Takes back what could not be written, unless the login was used since.
    pub(crate) fn put_back(&self, used: &[(LoginId, Used)]) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (login, used) in used {
            let again = || Entry { used: *used, is_news: true, written: None };
            entries.entry(*login).or_insert_with(again).is_news = true;
        }
    }

    /// What is to be written now. What is written and a minute old is forgotten.
    pub(crate) fn take(&self, now: Time, which: Taken) -> Vec<(LoginId, Used)> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |written: Option<Time>| written.is_none_or(|written| written <= now.minus(EVERY));
        entries.retain(|_, entry| entry.is_news || !is_old(entry.written));
        let due = entries
            .iter_mut()
            .filter(|(_, entry)| entry.is_news && (which == Taken::All || is_old(entry.written)));
        due.map(|(login, entry)| {
            (entry.is_news, entry.written) = (false, Some(now));
            (*login, entry.used)
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
