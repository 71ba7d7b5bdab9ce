//! When access keys were last used, on its way into their rows: as for logins ([`crate::login_use`]), in memory first, and
//! for each key once a minute at most. A crash may lose the last minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gangplank_core::{AccessKeyId, Time};

use crate::refusals::Taken;

/// How often the row of a key is written.
const EVERY: Duration = Duration::from_mins(1);

/// The access keys that were used lately.
#[derive(Default)]
pub(crate) struct KeyUse(Mutex<HashMap<AccessKeyId, Entry>>);

struct Entry {
    used: Time,
    /// Whether it was used since it was written.
    is_news: bool,
    /// When it was written, by the steady time.
    written: Option<Time>,
}

impl KeyUse {
    /// Notes that a call with the key was taken.
    pub(crate) fn used(&self, key: &AccessKeyId, at: Time) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match entries.get_mut(key) {
            Some(entry) => (entry.used, entry.is_news) = (at, true),
            None => {
                entries.insert(key.clone(), Entry { used: at, is_news: true, written: None });
            }
        }
    }

    /// Takes back what could not be written, unless the key was used since.
    pub(crate) fn put_back(&self, used: &[(AccessKeyId, Time)]) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, used) in used {
            let again = || Entry { used: *used, is_news: true, written: None };
            entries.entry(key.clone()).or_insert_with(again).is_news = true;
        }
    }

    /// What is to be written now. What is written and a minute old is forgotten.
    pub(crate) fn take(&self, now: Time, which: Taken) -> Vec<(AccessKeyId, Time)> {
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
        let keys = KeyUse::default();
        let (now, key) = (Time(1_000_000), AccessKeyId::generate([1; 10]));
        let seconds = |seconds| now.plus(Duration::from_secs(seconds));
        keys.used(&key, now);
        assert_eq!(keys.take(now, Taken::Due), [(key.clone(), now)]);
        keys.used(&key, seconds(5));
        assert_eq!(keys.take(seconds(6), Taken::Due), []);
        assert_eq!(keys.take(seconds(6), Taken::All), [(key.clone(), seconds(5))], "whoever looks sees it");
        keys.put_back(&[(key.clone(), seconds(5))]);
        assert_eq!(keys.take(seconds(70), Taken::Due), [(key, seconds(5))], "it could not be written");
        assert_eq!(keys.take(seconds(200), Taken::All), []);
        assert!(keys.0.lock().unwrap().is_empty(), "nothing is kept of one that is not used");
    }
}
