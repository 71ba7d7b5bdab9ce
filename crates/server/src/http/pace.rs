//! Decides how an own thread waits for a client that sends less than the thread could take.
//!
//! A move between an own thread and the runtime costs more than several waits for the socket. So a client keeps its
//! thread through short silences: engines send a layer in small pieces while they compress it. A wait for each piece
//! would cost more than the work on it. So the thread rests until several pieces must have come.

use std::time::{Duration, Instant};

/// The time between two checks of a client's speed.
const SPAN: Duration = Duration::from_millis(50);

/// A client that sends fewer bytes in a span is too slow.
const LITTLE: usize = 64 << 10;

/// A thread rests about as long as the client needs for this many bytes: four pieces of an engine.
const GATHERED: u32 = 128 << 10;

/// The longest rest. The end of a body may wait for it.
const LONGEST: Duration = Duration::from_millis(10);

/// A shorter rest would save little.
const SHORTEST: Duration = Duration::from_micros(500);

/// The speed of one client that has a thread.
pub(super) struct Pace {
    since: Instant,
    /// How many bytes have arrived in the present span.
    came: usize,
    /// The rest after each read that empties the socket, by the speed in the last span. The first span has none, so
    /// that small bodies are not delayed.
    rest: Option<Duration>,
    /// Whether the last read emptied the socket.
    is_empty: bool,
}

impl Pace {
    /// Begins a span.
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, came: 0, rest: None, is_empty: false }
    }

    /// Records the bytes of a read that could have taken `wanted` bytes. Returns whether the client may keep its
    /// thread.
    pub(super) fn keeps_up(&mut self, bytes: usize, wanted: usize, now: Instant) -> bool {
        self.came += bytes;
        self.is_empty = bytes < wanted;
        let span = now.saturating_duration_since(self.since);
        if span < SPAN {
            return true;
        }
        let came = std::mem::take(&mut self.came);
        (self.since, self.rest) = (now, rest(came, span));
        came >= LITTLE
    }

    /// How long the thread should rest before it reads again.
    pub(super) fn rest(&self) -> Option<Duration> {
        self.rest.filter(|_| self.is_empty)
    }
}

/// The rest for a client that has sent so many bytes in this time.
fn rest(bytes: usize, time: Duration) -> Option<Duration> {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).max(1);
    let rest = (time * GATHERED / bytes).min(LONGEST);
    (rest >= SHORTEST).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_is_as_long_as_several_pieces_need() {
        let second = Duration::from_secs(1);
        assert_eq!(rest(100 << 20, second), Some(Duration::from_micros(1_250)));
        assert_eq!(rest(5 << 20, second), Some(LONGEST));
        assert_eq!(rest(0, second), Some(LONGEST));
        assert_eq!(rest(1 << 30, second), None);
    }

    #[test]
    fn a_rest_follows_a_read_that_empties_the_socket_but_not_in_the_first_span() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        assert!(pace.keeps_up(LITTLE, 2 * LITTLE, now + SPAN / 2));
        assert_eq!(pace.rest(), None);
        assert!(pace.keeps_up(LITTLE, 2 * LITTLE, now + SPAN));
        assert_eq!(pace.rest(), Some(LONGEST));
        assert!(pace.keeps_up(LITTLE, LITTLE, now + SPAN));
        assert_eq!(pace.rest(), None);
    }

    #[test]
    fn a_client_loses_its_thread_after_a_span_with_little() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        for _ in 0..20 {
            now += SPAN / 5;
            assert!(pace.keeps_up(LITTLE / 4, LITTLE, now));
        }
        for _ in 0..4 {
            now += SPAN / 5;
            assert!(pace.keeps_up(0, LITTLE, now));
        }
        assert!(!pace.keeps_up(100, LITTLE, now + SPAN / 5));
    }
}
