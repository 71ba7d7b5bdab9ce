//! How long a server may be silent. A whole body may take any time, so a slow pull is not interrupted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The time for making a connection, TLS included.
pub(crate) const CONNECT: Duration = Duration::from_secs(5);

/// The longest silence after the last byte of a request, and between two pieces of a request.
pub(crate) const HEAD: Duration = Duration::from_secs(30);

/// The longest silence between two pieces of an answer's body, while a reader waits.
pub(crate) const PIECE: Duration = Duration::from_mins(1);

/// How long an unused connection is kept. No known server closes one in less than 30 s.
pub(crate) const IDLE: Duration = Duration::from_secs(20);

/// The rate of servers that join parts by copying, in bytes a second. Other servers are much faster.
const JOINED: u64 = 50 << 20;

/// The longest silence after the request that joins parts of so many bytes: servers that copy take long.
pub(crate) fn joining(bytes: u64) -> Duration {
    HEAD + Duration::from_secs(bytes / JOINED)
}

/// The progress of a request.
#[derive(Debug)]
pub(crate) struct Progress {
    begun: Instant,
    /// When the last piece was taken, in milliseconds after `begun`.
    last: AtomicU64,
}

impl Progress {
    pub(crate) fn begun() -> Self {
        Self { begun: Instant::now(), last: AtomicU64::new(0) }
    }

    pub(crate) fn went_on(&self) {
        let passed = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(passed, Ordering::Relaxed);
    }

    /// Returns once there was no progress for `limit`.
    pub(crate) async fn stalled(&self, limit: Duration) {
        loop {
            let until = self.begun + Duration::from_millis(self.last.load(Ordering::Relaxed)) + limit;
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }
}
