//! Decides whether a client is fast enough for a thread of its own.
//!
//! A move between an own thread and the runtime costs more than several waits for the socket. So a client keeps its
//! thread through short silences: engines send a layer in small pieces while they compress it.

use std::time::{Duration, Instant};

/// The time between two checks of a client's speed.
const SPAN: Duration = Duration::from_millis(50);

/// A client that sends fewer bytes in a span is too slow.
const LITTLE: usize = 64 << 10;

/// The speed of one client that has a thread.
pub(super) struct Pace {
    since: Instant,
    /// How many bytes have arrived in the present span.
    came: usize,
}

impl Pace {
    /// Begins a span.
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, came: 0 }
    }

    /// Records the bytes of a read that has emptied the socket. Returns whether the client may keep its thread.
    pub(super) fn keeps_up(&mut self, bytes: usize, now: Instant) -> bool {
        self.came += bytes;
        if now.saturating_duration_since(self.since) < SPAN {
            return true;
        }
        let came = std::mem::replace(self, Self::new(now)).came;
        came >= LITTLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_loses_its_thread_after_a_span_with_little() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        for _ in 0..20 {
            now += SPAN / 5;
            assert!(pace.keeps_up(LITTLE / 4, now));
        }
        for _ in 0..4 {
            now += SPAN / 5;
            assert!(pace.keeps_up(0, now));
        }
        assert!(!pace.keeps_up(100, now + SPAN / 5));
    }
}
