//! Answers kept in memory, never longer than they are true.
//!
//! This process owns the database and one thread writes it, so what a commit changes is known. Before
//! a commit that thread *closes* the caches: it forgets what the commit may change, and nothing is kept
//! or handed out for it until the commit is known to have happened or not. Only then are its callers
//! answered. So whoever is told that a login is revoked, a tag moved or a blob deleted, and whoever asks
//! after that, gets what the database says.
//!
//! A reader may have begun before such a commit and end after it, with what is no longer true in its
//! hands. It therefore notes the cache's [`Generation`] before its query begins, and what it read is kept
//! only if that is still the generation, and no commit is under way. Every commit that changes anything
//! of the cache changes the generation twice, under the lock: when it closes the cache, which is before
//! the commit, and when it opens it again, which is after. A query that began before the commit noted an
//! earlier generation than the second; one that began after it sees what was committed.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gangplank_core::{AccessKeyId, Grant, PasswordHash};

use crate::metadata::engine::Takes;
use crate::metadata::role_sessions::Credential;

/// The most entries in each half of a cache.
const HALF: usize = 512;

/// What is kept.
#[derive(Default)]
pub(crate) struct Caches {
    /// Logins that are live. What is refused is looked up each time.
    pub(crate) logins: Cache<PasswordHash, Grant>,
    /// Access keys and temporary keys that there are, also those that are disabled or ended.
    pub(crate) credentials: Cache<AccessKeyId, Credential>,
}

impl Caches {
    /// Before a commit.
    pub(crate) fn close(&self, takes: Takes) {
        if takes == Takes::Rights {
            self.logins.close();
            self.credentials.close();
        }
    }

    /// After it, whatever became of it.
    pub(crate) fn open(&self, takes: Takes) {
        if takes == Takes::Rights {
            self.logins.open();
            self.credentials.open();
        }
    }
}

/// When a lookup began, in commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generation(u64);

/// What a lookup found.
pub(crate) enum Found<V> {
    /// It is kept.
    Hit(V),
    /// It is not; what is read from the database may be kept under this generation.
    Miss(Generation),
}

/// A look-up whose answer is not remembered yet.
pub(crate) struct Remembered<'c, K, V>(Option<(&'c Cache<K, V>, Generation)>);

impl<'c, K: Eq + Hash, V: Clone> Remembered<'c, K, V> {
    /// Looks an answer up, before the query: in a cache, if it may be used now.
    pub(crate) fn find<Q>(cache: Option<&'c Cache<K, V>>, key: &Q) -> std::result::Result<V, Self>
    where
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
        K: Borrow<Q>,
    {
        let Some(cache) = cache else { return Err(Self(None)) };
        match cache.find(key) {
            Found::Hit(value) => Ok(value),
            Found::Miss(began) => Err(Self(Some((cache, began)))),
        }
    }

    /// Remembers what the query has found, if that is true still.
    pub(crate) fn keep(self, key: K, value: V) {
        if let Some((cache, began)) = self.0 {
            cache.keep(key, value, began);
        }
    }
}

/// A bounded cache. Of two halves the younger is filled, and when it is full it becomes the older, whose
/// entries are dropped unless they are asked for again.
pub(crate) struct Cache<K, V>(Mutex<Halves<K, V>>);

struct Halves<K, V> {
    generation: u64,
    /// How many commits are under way that touch what is kept here: where many connections write, there may be several.
    under_way: u32,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Halves { generation: 0, under_way: 0, young: HashMap::new(), old: HashMap::new() }))
    }
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// Looks an answer up. Before a query, not after: the generation says when it began.
    pub(crate) fn find<Q: Eq + Hash + ToOwned<Owned = K> + ?Sized>(&self, key: &Q) -> Found<V>
    where
        K: Borrow<Q>,
    {
        let mut halves = self.lock();
        if let Some(value) = halves.young.get(key) {
            return Found::Hit(value.clone());
        }
        match halves.old.remove(key) {
            Some(value) => {
                halves.insert(key.to_owned(), value.clone());
                Found::Hit(value)
            }
            None => Found::Miss(Generation(halves.generation)),
        }
    }

    /// Keeps what a query found that began at `began`, unless something was committed meanwhile.
    pub(crate) fn keep(&self, key: K, value: V, began: Generation) {
        let mut halves = self.lock();
        if halves.generation == began.0 && halves.under_way == 0 {
            halves.insert(key, value);
        }
    }

    fn close(&self) {
        let mut halves = self.lock();
        halves.generation += 1;
        halves.under_way += 1;
        halves.young.clear();
        halves.old.clear();
    }

    fn open(&self) {
        let mut halves = self.lock();
        halves.generation += 1;
        halves.under_way -= 1;
    }

    fn lock(&self) -> MutexGuard<'_, Halves<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, V> Halves<K, V> {
    fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= HALF {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn miss(cache: &Cache<u32, u32>, key: u32) -> Generation {
        match cache.find(&key) {
            Found::Hit(value) => panic!("{key} is kept: {value}"),
            Found::Miss(generation) => generation,
        }
    }

    fn hit(cache: &Cache<u32, u32>, key: u32) -> Option<u32> {
        match cache.find(&key) {
            Found::Hit(value) => Some(value),
            Found::Miss(_) => None,
        }
    }

    #[test]
    fn what_was_read_before_a_commit_is_not_kept_after_it() {
        let cache = Cache::default();
        let early = miss(&cache, 1);
        cache.close();
        let during = miss(&cache, 1);
        cache.keep(1, 10, early);
        cache.keep(1, 10, during);
        assert_eq!(hit(&cache, 1), None, "while it is closed nothing is kept");
        cache.open();
        cache.keep(1, 10, early);
        cache.keep(1, 10, during);
        assert_eq!(hit(&cache, 1), None, "both queries may have begun before the commit");
        let late = miss(&cache, 1);
        cache.keep(1, 11, late);
        assert_eq!(hit(&cache, 1), Some(11));
        cache.close();
        assert_eq!(hit(&cache, 1), None);
    }

    #[test]
    fn of_two_commits_under_way_the_second_keeps_it_closed() {
        let cache = Cache::default();
        cache.close();
        cache.close();
        let during = miss(&cache, 1);
        cache.keep(1, 10, during);
        assert_eq!(hit(&cache, 1), None, "neither commit has come to its end");
        cache.open();
        let still = miss(&cache, 1);
        cache.keep(1, 10, still);
        assert_eq!(hit(&cache, 1), None, "the other has not");
        cache.open();
        cache.keep(1, 10, still);
        assert_eq!(hit(&cache, 1), None, "the query may have begun before that");
        let late = miss(&cache, 1);
        cache.keep(1, 11, late);
        assert_eq!(hit(&cache, 1), Some(11));
    }

    #[test]
    fn a_cache_is_bounded_and_keeps_what_is_asked_for() {
        let cache = Cache::default();
        for key in 0..10 * u32::try_from(HALF).unwrap() {
            let began = miss(&cache, key + 1);
            cache.keep(key + 1, key, began);
            if key == 0 {
                let began = miss(&cache, 0);
                cache.keep(0, 7, began);
            }
            assert_eq!(hit(&cache, 0), Some(7), "asked for each time");
            let halves = cache.lock();
            assert!(halves.young.len() <= HALF && halves.old.len() <= HALF);
        }
    }
}
