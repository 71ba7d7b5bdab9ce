//! Whether the threads of this process want more processor time than there is.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

/// The time between two looks.
const INTERVAL: Duration = Duration::from_millis(100);

/// After this long without a look, the next one only begins an interval.
const STALE: Duration = Duration::from_secs(1);

/// The part of the processors that the threads have to want.
const MUCH: f64 = 0.9;

/// What was seen last.
#[derive(Default)]
pub(super) struct Pressure {
    is_felt: AtomicBool,
    last: Mutex<Option<Look>>,
}

/// A look at the threads.
#[derive(Clone, Copy)]
struct Look {
    /// When it was, since the start of the server.
    at: Duration,
    /// How long the threads had run by then, or waited for a processor.
    wanted: Duration,
}

impl Pressure {
    /// Whether the threads wanted nearly all processors lately, or more of them than they got.
    pub(super) fn is_felt(&self, now: Duration) -> bool {
        // While one thread looks, the others go by the look before.
        if let Ok(mut last) = self.last.try_lock()
            && last.is_none_or(|last| now.saturating_sub(last.at) >= INTERVAL)
        {
            let look = Look { at: now, wanted: wanted() };
            self.is_felt.store(last.is_some_and(|last| is_much(last, look)), Ordering::Relaxed);
            *last = Some(look);
        }
        self.is_felt.load(Ordering::Relaxed)
    }
}

/// Whether the threads wanted much between two looks.
fn is_much(last: Look, look: Look) -> bool {
    let (wanted, since) = (look.wanted.saturating_sub(last.wanted), look.at.saturating_sub(last.at));
    // Affinity and the limits of a container count.
    let processors = available_parallelism().map_or(1, usize::from);
    let processors = f64::from(u32::try_from(processors).unwrap_or(u32::MAX));
    since < STALE && wanted.as_secs_f64() > MUCH * processors * since.as_secs_f64()
}

/// How long the threads of this process have run or waited for a processor.
fn wanted() -> Duration {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    threads.map(|thread| wanted_by(&thread.path())).sum()
}

/// How long the thread with this folder in `/proc` has run or waited for a processor, as the kernel counts it. Zero
/// where it does not count.
fn wanted_by(thread: &Path) -> Duration {
    let counts = fs::read_to_string(thread.join("schedstat")).unwrap_or_default();
    Duration::from_nanos(
        counts.split_whitespace().take(2).filter_map(|count| count.parse::<u64>().ok()).sum(),
    )
}

#[cfg(test)]
impl Pressure {
    /// Pressure that is always felt, or never.
    pub(super) fn fixed(is_felt: bool) -> Self {
        let later = Look { at: Duration::MAX, wanted: Duration::ZERO };
        Self { is_felt: AtomicBool::new(is_felt), last: Mutex::new(Some(later)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(at: u64, wanted: u64) -> Look {
        Look { at: Duration::from_millis(at), wanted: Duration::from_millis(wanted) }
    }

    #[test]
    fn pressure_is_felt_if_threads_want_all_processors() {
        let processors = available_parallelism().unwrap().get() as u64;
        let before = look(1_000, 7);
        assert!(is_much(before, look(1_100, 7 + 100 * processors)));
        assert!(!is_much(before, look(1_100, 7 + 80 * processors)));
        // Such a long interval says nothing about the last moments, and threads that ended take their counts along.
        assert!(!is_much(before, look(5_000, 7 + 4_000 * processors)));
        assert!(!is_much(before, look(1_100, 0)));
    }

    #[test]
    fn the_kernel_counts_what_threads_run() {
        // Of this thread alone, because other tests end threads meanwhile.
        let this = Path::new("/proc/thread-self");
        let (before, end) = (wanted_by(this), std::time::Instant::now() + Duration::from_millis(50));
        while std::time::Instant::now() < end {}
        assert!(wanted_by(this).saturating_sub(before) >= Duration::from_millis(40));
        assert!(wanted() > Duration::ZERO);
    }
}
