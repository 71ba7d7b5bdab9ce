//! How often, and for how long, the state of a deployment is asked for.

use std::time::Duration;

/// The longest wait if `--timeout` is not given.
pub(super) const LONGEST: Duration = Duration::from_mins(30);

/// The pause before the next look at the state. Most deployments take seconds, so the first pauses are short.
/// The state of slower ones is asked for less often.
pub(super) fn after(looks: u32) -> Duration {
    if looks < 60 { Duration::from_millis(500) } else { Duration::from_secs(2) }
}
