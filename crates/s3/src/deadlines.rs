//! How long a server may be silent. Nothing limits how long a whole body may take, so a slow pull is never cut.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Until a connection stands, TLS included.
pub(crate) const CONNECT: Duration = Duration::from_secs(5);

/// Between the last byte of a request and the head of its answer, and between two pieces of a request.
pub(crate) const HEAD: Duration = Duration::from_secs(30);

/// Between two pieces of an answer's body, while somebody waits for them.
pub(crate) const PIECE: Duration = Duration::from_mins(1);

/// How long a connection is kept for the next request. The shortest that a server is known to keep one is 30 s.
pub(crate) const IDLE: Duration = Duration::from_secs(20);

/// How many bytes a second a server joins parts with that copies them. Those that do not are much faster.
const JOINED: u64 = 50 << 20;

/// The time until the head of the answer to the end of a multipart upload of so many bytes: servers that copy take long.
pub(crate) fn joining(bytes: u64) -> Duration {
    HEAD + Duration::from_secs(bytes / JOINED)
}

/// How far a request has come.
#[derive(Debug)]
pub(crate) struct Progress {
    begun: Instant,
    /// Milliseconds after that, when the last piece was taken.
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

    /// Returns when there was no progress for so long.
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
