//! One writer at a time per upload session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

/// How long a request waits for another that writes to the same session, such as one whose
/// connection was cut and which has not noticed yet.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which sessions are being written to.
#[derive(Default)]
pub(crate) struct UploadLocks(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl UploadLocks {
    /// Takes the session, waiting a little for whoever has it; `None` if they keep it.
    pub(super) async fn take(&self, session: &str) -> Option<SessionLock<'_>> {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(session.to_owned()).or_default())
        };
        let taken = tokio::time::timeout(PATIENCE, Arc::clone(&lock).lock_owned()).await.ok();
        drop(lock);
        let guard = SessionLock { locks: self, session: session.to_owned(), held: taken };
        guard.held.is_some().then_some(guard)
    }
}

/// A session that is being written to, until this is dropped.
pub(super) struct SessionLock<'a> {
    locks: &'a UploadLocks,
    session: String,
    held: Option<OwnedMutexGuard<()>>,
}

impl Drop for SessionLock<'_> {
    fn drop(&mut self) {
        self.held = None;
        let mut locks = self.locks.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody waits if the map holds the only reference.
        if locks.get(&self.session).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            locks.remove(&self.session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_session_is_written_by_one() {
        let locks = UploadLocks::default();
        let first = locks.take("a").await.unwrap();
        assert!(locks.take("a").await.is_none());
        assert!(locks.take("b").await.is_some());
        drop(first);
        assert!(locks.take("a").await.is_some());
        assert!(locks.0.lock().unwrap().is_empty());
    }
}
