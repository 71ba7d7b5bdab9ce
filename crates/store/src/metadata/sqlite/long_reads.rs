//! Reads that may take longer than a few milliseconds: lists, pages of the audit trail, checks of everything.
//!
//! They run on threads that may block, and never where requests are served. Four run at once, and one on anybody's
//! behalf: whoever asks for much waits for themselves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rusqlite::Connection;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard, Semaphore};

use super::Sqlite;
use super::writer::Whose;
use crate::{Result, StoreError};

/// How many run at once.
const THREADS: usize = 4;

/// So many names take a fraction of a millisecond.
const SHORT: usize = 1_001;

/// Entries of accounts that nobody waits for are dropped when there are so many.
const MANY: usize = 1_000;

pub(super) struct LongReads {
    threads: Arc<Semaphore>,
    turns: Mutex<HashMap<Whose, Weak<Turn<()>>>>,
}

impl Default for LongReads {
    fn default() -> Self {
        Self { threads: Arc::new(Semaphore::new(THREADS)), turns: Mutex::default() }
    }
}

impl LongReads {
    /// Waits until nothing else is read on the same behalf.
    async fn turn(&self, whose: Whose) -> OwnedMutexGuard<()> {
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

impl Sqlite {
    /// Reads a page of names: a short one where it is asked for, which is cheaper than to hand it over.
    pub(super) async fn read_page<T, F>(&self, whose: Whose, limit: usize, query: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        if limit <= SHORT { self.read(query) } else { self.read_long(whose, query).await }
    }

    /// Runs statements in one read transaction that may take long.
    pub(super) async fn read_long<T, F>(&self, whose: Whose, query: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let turn = self.long_reads.turn(whose).await;
        let thread = Arc::clone(&self.long_reads.threads).acquire_owned().await;
        let database = self.clone();
        let read = move || {
            // Held until it is over, also if nobody waits for it any more.
            let _held = (turn, thread);
            database.read(query)
        };
        let done = tokio::task::spawn_blocking(read).await;
        done.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
    }
}
