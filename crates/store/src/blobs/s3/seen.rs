//! Remembers content that existed a short while ago. Content never changes, and only this program deletes it,
//! its row first. So a question about a common layer needs no request, and is answered even while the server is
//! away.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::blobs::ContentKey;

/// How long content is remembered at most. At least half of this time, unless memory is full.
const REMEMBERED: Duration = Duration::from_hours(1);

/// How many contents each half remembers.
const MOST: usize = 32_768;

#[derive(Default)]
pub(super) struct Seen(Mutex<Halves>);

struct Halves {
    since: Instant,
    young: HashMap<u128, u64>,
    old: HashMap<u128, u64>,
}

impl Default for Halves {
    fn default() -> Self {
        Self { since: Instant::now(), young: HashMap::new(), old: HashMap::new() }
    }
}

impl Seen {
    /// The size of remembered content in bytes.
    pub(super) fn length(&self, key: &ContentKey) -> Option<u64> {
        let number = number(key)?;
        let halves = self.halves();
        halves.young.get(&number).or_else(|| halves.old.get(&number)).copied()
    }

    /// Remembers content that exists.
    pub(super) fn note(&self, key: &ContentKey, length: u64) {
        if let Some(number) = number(key) {
            self.halves().young.insert(number, length);
        }
    }

    /// Forgets content that is about to be deleted.
    pub(super) fn forget(&self, key: &ContentKey) {
        if let Some(number) = number(key) {
            let mut halves = self.halves();
            halves.young.remove(&number);
            halves.old.remove(&number);
        }
    }

    fn halves(&self) -> MutexGuard<'_, Halves> {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let age = halves.since.elapsed();
        if age >= REMEMBERED {
            *halves = Halves::default();
        } else if age >= REMEMBERED / 2 || halves.young.len() >= MOST {
            let young = std::mem::take(&mut halves.young);
            *halves = Halves { old: young, ..Halves::default() };
        }
        halves
    }
}

fn number(key: &ContentKey) -> Option<u128> {
    u128::from_str_radix(key.as_str(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_remembered_and_forgotten() {
        let seen = Seen::default();
        let keys: Vec<ContentKey> = (0..MOST + 10).map(|_| ContentKey::unused()).collect();
        for (length, key) in (0..).zip(&keys) {
            seen.note(key, length);
        }
        assert_eq!(seen.length(&keys[0]), Some(0));
        assert_eq!(seen.length(&keys[MOST + 9]), Some(MOST as u64 + 9));
        seen.forget(&keys[0]);
        assert_eq!(seen.length(&keys[0]), None);
        for _ in 0..2 * MOST {
            seen.note(&ContentKey::unused(), 1);
        }
        assert_eq!(seen.length(&keys[1]), None, "memory has a bound");
        seen.0.lock().unwrap().since -= REMEMBERED;
        seen.note(&keys[1], 1);
        assert_eq!(seen.length(&keys[1]), Some(1));
        assert_eq!(seen.length(&keys[MOST + 9]), None);
    }
}
