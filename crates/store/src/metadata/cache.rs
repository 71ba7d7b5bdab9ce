//! Answers kept in memory, and when they are dropped.
//!
//! With SQLite, one thread makes all commits, so it knows what each of them changes. Before a commit that takes
//! rights away it *closes* the caches: it empties them, and until the outcome of the commit is known they
//! neither store nor return anything. Only then the callers get their answers. So a request that comes after an
//! acknowledged "revoked" or "disabled" sees the new state.
//!
//! A reader may begin before such a commit and end after it, with an outdated answer. So it reads the cache's
//! [`Generation`] before its query. Its answer is stored only if the generation is still the same and no commit
//! is under way. Every commit that takes rights changes the generation twice, under the lock: when it closes
//! the cache before the commit, and when it opens the cache after it. A query that began before the commit has
//! an older generation. A query that began later sees the commit.
//!
//! With PostgreSQL, other processes commit as well. There a number in the database tells each process to empty
//! its caches, within a few seconds ([`super::postgres`]).

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gangplank_core::{AccessKeyId, Grant, PasswordHash};

use crate::metadata::engine::Takes;
use crate::metadata::role_sessions::Credential;

/// The most entries in each half of a cache.
const HALF: usize = 512;

/// The caches of one database.
#[derive(Default)]
pub(crate) struct Caches {
    /// Live registry logins. A password that is refused is looked up every time.
    pub(crate) logins: Cache<PasswordHash, Grant>,
    /// Access keys and temporary keys that exist, whether they are usable or not.
    pub(crate) credentials: Cache<AccessKeyId, Credential>,
}

impl Caches {
    /// Empties and closes the affected caches before a commit.
    pub(crate) fn close(&self, takes: Takes) {
        if takes == Takes::Rights {
            self.logins.close();
            self.credentials.close();
        }
    }

    /// Opens them after the commit, whether it succeeded or not.
    pub(crate) fn open(&self, takes: Takes) {
        if takes == Takes::Rights {
            self.logins.open();
            self.credentials.open();
        }
    }
}

/// The state of a cache when a lookup began: a counter that every affecting commit changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generation(u64);

/// The result of a lookup.
pub(crate) enum Found<V> {
    /// The cached answer.
    Hit(V),
    /// Nothing is cached. The answer of the database may be stored with this generation.
    Miss(Generation),
}

/// A lookup that missed, and may store its answer later.
pub(crate) struct Remembered<'c, K, V>(Option<(&'c Cache<K, V>, Generation)>);

impl<'c, K: Eq + Hash, V: Clone> Remembered<'c, K, V> {
    /// Looks in the cache before a query. `Err` if the database has to be asked, which is always so without a
    /// cache.
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

    /// Stores the answer of the query, if nothing was committed meanwhile.
    pub(crate) fn keep(self, key: K, value: V) {
        if let Some((cache, began)) = self.0 {
            cache.keep(key, value, began);
        }
    }
}

/// A bounded cache in two halves. New entries go into the younger half. When it is full, it becomes the older
/// half, and the entries of the previous older half are dropped. An entry that is used moves back into the
/// younger half.
pub(crate) struct Cache<K, V>(Mutex<Halves<K, V>>);

struct Halves<K, V> {
    generation: u64,
    /// How many commits that affect this cache are under way. There may be several, because many connections
    /// can write.
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
    /// Looks up an answer. Must be called before the query, because the returned generation marks its
    /// beginning.
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

    /// Stores the answer of a query that began at `began`, unless a commit began since.
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
