//! How long a server may be silent. A whole body may take any time, so a slow pull is not interrupted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The time for making a connection, TLS included.
pub(crate) const CONNECT: Duration = Duration::from_secs(5);

/// How long the server's machine may leave sent bytes unacknowledged. After that time the connection counts
/// as dead.
pub(crate) const UNSEEN: Duration = Duration::from_secs(20);

/// How long an unused connection is kept. No known server closes one in less than 30 s.
pub(crate) const IDLE: Duration = Duration::from_secs(20);

/// The rate, in bytes a second, at which the slowest servers join parts: they copy them.
const JOINED: u64 = 50 << 20;

/// How much longer than usual a server may be silent while it joins parts of `bytes` bytes together.
pub(crate) fn joining(bytes: u64) -> Duration {
    Duration::from_secs(bytes / JOINED)
}

/// How long a server may be silent.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// The longest silence before an answer begins, over all tries of a call. Also the longest silence between
    /// two pieces of a request. When this time has passed since the first try began, no further try begins.
    pub head: Duration,
    /// The longest silence at the first try of a call that can be sent twice without harm, and between two pieces
    /// of an object. A connection can be dead without a sign, and then the second try takes another connection.
    pub first: Duration,
    /// The longest silence between two pieces of an answer's body, while a reader waits. For an object it is the
    /// limit to which that time grows.
    pub piece: Duration,
    /// When an answer's body breaks off while a reader waits, the rest is requested again for this long, and
    /// at least three times.
    pub resume: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            first: Duration::from_secs(8),
            piece: Duration::from_mins(1),
            resume: Duration::from_mins(1),
        }
    }
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
