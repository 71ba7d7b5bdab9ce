//! Remembers content that existed a short while ago. Content never changes, and only this program deletes it,
//! its row first. So a question about a common layer needs no request, and is answered even while the server is
//! out of reach.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::blobs::ContentKey;

/// How long content is remembered after it was seen, unless memory is full.
const REMEMBERED: Duration = Duration::from_hours(1);

/// How many contents each half remembers. When one is full, the other is forgotten.
const MOST: usize = 32_768;

#[derive(Default)]
pub(super) struct Seen(Mutex<Halves>);

struct Halves {
    /// The moment from which times in seconds are counted.
    begun: Instant,
    young: HashMap<u128, Content>,
    old: HashMap<u128, Content>,
}

#[derive(Clone, Copy)]
struct Content {
    length: u64,
    /// When it was seen, in seconds.
    at: u32,
}

impl Default for Halves {
    fn default() -> Self {
        Self { begun: Instant::now(), young: HashMap::new(), old: HashMap::new() }
    }
}

impl Halves {
    fn now(&self) -> u32 {
        u32::try_from(self.begun.elapsed().as_secs()).unwrap_or(u32::MAX)
    }
}

impl Seen {
    /// The size of remembered content in bytes.
    pub(super) fn length(&self, key: &ContentKey) -> Option<u64> {
        let number = number(key)?;
        let halves = self.halves();
        let found = halves.young.get(&number).or_else(|| halves.old.get(&number))?;
        let age = halves.now().saturating_sub(found.at);
        (u64::from(age) < REMEMBERED.as_secs()).then_some(found.length)
    }

    /// Remembers content that exists.
    pub(super) fn note(&self, key: &ContentKey, length: u64) {
        let Some(number) = number(key) else { return };
        let mut halves = self.halves();
        if halves.young.len() >= MOST {
            halves.old = std::mem::take(&mut halves.young);
        }
        let at = halves.now();
        halves.young.insert(number, Content { length, at });
    }

    /// Forgets content that is about to be deleted, or is missing.
    pub(super) fn forget(&self, key: &ContentKey) {
        if let Some(number) = number(key) {
            let mut halves = self.halves();
            halves.young.remove(&number);
            halves.old.remove(&number);
        }
    }

    fn halves(&self) -> MutexGuard<'_, Halves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        let age = |by: Duration| {
            let mut seen = seen.0.lock().unwrap();
            seen.begun = seen.begun.checked_sub(by).unwrap();
        };
        age(REMEMBERED.saturating_sub(Duration::from_secs(5)));
        assert_eq!(seen.length(&keys[MOST + 9]), None);
        seen.note(&keys[1], 1);
        seen.note(&keys[2], 2);
        age(REMEMBERED.saturating_sub(Duration::from_secs(5)));
        assert_eq!(seen.length(&keys[1]), Some(1), "within the hour");
        seen.note(&keys[2], 2);
        age(Duration::from_secs(10));
        assert_eq!((seen.length(&keys[1]), seen.length(&keys[2])), (None, Some(2)));
    }
}
