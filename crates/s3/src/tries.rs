//! Decides when a failed call is tried again. Each call may be sent twice, except those that begin and complete a
//! multipart upload: they have one try.

use std::time::Duration;

use tokio::time::Instant;

/// The most tries of a call.
pub(crate) const TRIES: u32 = 3;

/// The least time of a try. A server that is near answers within this time.
const LEAST: Duration = Duration::from_secs(1);

/// A try of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Try {
    /// The end of the time for all tries. A body that makes progress may take longer.
    pub(crate) until: Instant,
    /// Whether this is the first try.
    pub(crate) is_first: bool,
}

impl Try {
    /// How long the server may be silent.
    pub(crate) fn patience(self) -> Duration {
        self.until.saturating_duration_since(Instant::now()).max(LEAST)
    }
}

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
