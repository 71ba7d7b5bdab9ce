//! Runs work that may take more than a few milliseconds.
//!
//! It runs on threads that may block, and so delays no requests. Four pieces run at once, and only one on
//! behalf of each key, such as an account. So a caller who asks for much delays only itself.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard, Semaphore};

use crate::{Result, StoreError};

/// How many pieces of work run at once.
const THREADS: usize = 4;

/// At this many entries, unused ones are dropped.
const MANY: usize = 1_000;

/// The turns, by the key on whose behalf work runs.
#[derive(Debug)]
pub(crate) struct Turns<K> {
    threads: Arc<Semaphore>,
    turns: Mutex<HashMap<K, Weak<Turn<()>>>>,
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self { threads: Arc::new(Semaphore::new(THREADS)), turns: Mutex::default() }
    }
}

impl<K: Eq + Hash> Turns<K> {
    /// Runs work on a thread that may block, when its turn has come.
    pub(crate) async fn run<T, F>(&self, whose: K, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        let turn = self.turn(whose).await;
        let thread = Arc::clone(&self.threads).acquire_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            // Held until the work ends, even if its caller is gone.
            let _held = (turn, thread);
            work()
        });
        done.await.unwrap_or_else(|error| Err(StoreError::unavailable(error)))
    }

    /// Waits until no other work runs on behalf of this key.
    async fn turn(&self, whose: K) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            if turns.len() > MANY {
                turns.retain(|_, turn| turn.strong_count() > 0);
            }
            let known = turns.get(&whose).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let new = Arc::<Turn<()>>::default();
                turns.insert(whose, Arc::downgrade(&new));
                new
            })
        };
        turn.lock_owned().await
    }
}
