//! When a failed call is tried again. Each call may be sent twice, except those that begin and complete a multipart
//! upload: they have one try.

use std::time::Duration;

/// The most tries of a call.
pub(crate) const TRIES: u32 = 3;

/// No try begins later than this after the first one.
pub(crate) const WHOLE: Duration = Duration::from_secs(30);

/// The pause before the next try: a random time below a limit that doubles. So callers that failed together do
/// not come back together.
pub(crate) fn pause(failed: u32) -> Duration {
    const SHORTEST: u64 = 100;
    let longest = (500 << failed.min(5)).min(2_000);
    let random = getrandom::u64().unwrap_or_default();
    Duration::from_millis(SHORTEST + random % (longest - SHORTEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_differ() {
        let pauses: Vec<Duration> = (0..100).map(|_| pause(4)).collect();
        assert!(pauses.iter().all(|pause| (100..2_000).contains(&pause.as_millis())), "{pauses:?}");
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        assert!((0..100).all(|_| pause(1).as_millis() < 1_000));
    }
}
