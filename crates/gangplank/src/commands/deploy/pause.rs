//! How often, and for how long, a command asks for the state of a deployment.

use std::time::Duration;

/// The longest wait if `--timeout` is not given.
pub(super) const LONGEST: Duration = Duration::from_mins(30);

/// The pause before the next look at the state. Most deployments take seconds, so the first pauses are short. Later
/// pauses are longer.
pub(super) fn after(looks: u32) -> Duration {
    if looks < 60 { Duration::from_millis(500) } else { Duration::from_secs(2) }
}
