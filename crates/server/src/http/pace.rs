//! How an own thread reads from a client that is slower than the thread.
//!
//! Engines send a layer in small pieces while they compress it. A thread that waited for each piece would spend
//! more on waking up than on the bytes. So it sleeps between two reads, until a good batch should have arrived.
//! The kernel keeps the bytes meanwhile.

use std::time::{Duration, Instant};

/// How many bytes one read should find after a pause.
const BATCH: u32 = 128 << 10;

/// If a pause brings fewer bytes than this, a thread gains little.
const LITTLE: usize = 32 << 10;

/// The longest pause. The last bytes of a body may wait for so long.
const LONGEST: Duration = Duration::from_millis(20);

/// The longest first pause, before the client's speed is known well.
const FIRST: Duration = Duration::from_millis(1);

/// A shorter pause saves nothing.
const SHORTEST: Duration = Duration::from_micros(150);

/// How long a client may send little until it loses its thread.
const PATIENCE: Duration = Duration::from_millis(50);

/// The speed of one client, as its thread sees it.
pub(super) struct Pace {
    /// The last time when the thread had read everything that had arrived.
    since: Instant,
    /// How many bytes have arrived since then.
    came: usize,
    pause: Duration,
    /// For how long the client has sent little.
    lean: Duration,
}

impl Pace {
    /// Begins without a pause.
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, came: 0, pause: Duration::ZERO, lean: Duration::ZERO }
    }

    /// The pause before the next read; `None` if the thread should wait for the next byte.
    pub(super) fn pause(&self) -> Option<Duration> {
        // Bytes that a read has left behind are read at once.
        (self.came == 0 && !self.pause.is_zero()).then_some(self.pause)
    }

    /// Whether the thread pauses between reads.
    pub(super) fn is_slow(&self) -> bool {
        !self.pause.is_zero()
    }

    /// Records the bytes of a read. More have already arrived.
    pub(super) fn more(&mut self, bytes: usize) {
        self.came += bytes;
    }

    /// Records the bytes of a read that left nothing behind. Returns whether the client is still worth a thread.
    pub(super) fn all(&mut self, bytes: usize, now: Instant) -> bool {
        let came = std::mem::take(&mut self.came) + bytes;
        let took = now.saturating_duration_since(self.since);
        self.since = now;
        self.lean = if came < LITTLE { self.lean + took } else { Duration::ZERO };
        let for_a_batch = took * BATCH / u32::try_from(came.max(1)).unwrap_or(u32::MAX);
        let most = (self.pause * 2).clamp(FIRST, LONGEST);
        self.pause = Some(for_a_batch.min(most)).filter(|pause| *pause >= SHORTEST).unwrap_or_default();
        self.lean < PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets a client send at a rate, in bytes a second, for a while. Returns the number of reads and the last
    /// pause; `None` for the pause if the client has lost its thread.
    fn serve(rate: u64, long: Duration) -> (usize, Option<Duration>) {
        let begin = Instant::now();
        let (mut now, mut pace, mut reads, mut read) = (begin, Pace::new(begin), 0, 0);
        while now < begin + long {
            now += pace.pause().unwrap_or(Duration::from_micros(100));
            let sent = usize::try_from(rate * u64::try_from((now - begin).as_micros()).unwrap() / 1_000_000).unwrap();
            reads += 1;
            if !pace.all(sent - read, now) {
                return (reads, None);
            }
            read = sent;
        }
        (reads, Some(pace.pause))
    }

    #[test]
    fn a_slow_client_is_read_in_batches() {
        let (reads, pause) = serve(12 << 20, Duration::from_secs(1));
        assert!(reads < 12 * 8 + 12, "{reads}");
        let pause = pause.unwrap();
        assert!(pause > Duration::from_millis(9) && pause < Duration::from_millis(12), "{pause:?}");
    }

    #[test]
    fn a_fast_client_never_waits() {
        let (_, pause) = serve(2 << 30, Duration::from_millis(100));
        assert_eq!(pause, Some(Duration::ZERO));
    }

    #[test]
    fn a_client_that_sends_little_or_nothing_loses_its_thread() {
        for rate in [0, 100 << 10, 1 << 20] {
            let (reads, pause) = serve(rate, Duration::from_secs(1));
            assert!(pause.is_none() && reads < 12, "{rate}: {reads}, {pause:?}");
        }
    }

    #[test]
    fn bytes_that_were_left_behind_are_read_without_a_pause() {
        let begin = Instant::now();
        let mut pace = Pace::new(begin);
        assert!(pace.all(10, begin + Duration::from_millis(2)));
        assert!(pace.pause().is_some());
        pace.more(1);
        assert!(pace.pause().is_none() && pace.is_slow());
    }
}
