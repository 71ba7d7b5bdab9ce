//! The length of the loops, and their seed.

use std::time::{Duration, Instant, SystemTime};

/// The seed of this run. It is printed, so that a failure can be repeated.
pub(crate) fn seed(trial: &str) -> u64 {
    let seed = number("GANGPLANK_FAULTS_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("the time");
        now.as_secs() % 1_000_000 * 1_000 + u64::from(now.subsec_millis())
    });
    eprintln!("{trial}: GANGPLANK_FAULTS_SEED={seed}");
    seed
}

/// The rounds of a loop: at least this many, and more until the time from the environment is over.
pub(crate) struct Rounds {
    least: u64,
    done: u64,
    until: Instant,
}

impl Rounds {
    pub(crate) fn at_least(least: u64) -> Self {
        let minutes = number("GANGPLANK_FAULTS_MINUTES").unwrap_or(0);
        Self { least, done: 0, until: Instant::now() + Duration::from_secs(60 * minutes) }
    }
}

impl Iterator for Rounds {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let goes_on = self.done < self.least || Instant::now() < self.until;
        self.done += 1;
        goes_on.then_some(self.done - 1)
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")))
}
