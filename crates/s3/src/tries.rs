//! How often a call is tried, and when. Every call here may be sent twice.

use std::time::Duration;

/// How often.
pub(crate) const TRIES: u32 = 3;

/// After this time since the first try, none begins.
pub(crate) const WHOLE: Duration = Duration::from_secs(30);

/// The pause before the next try: any time up to a limit that doubles, so that callers who failed together do not come
/// back together.
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
