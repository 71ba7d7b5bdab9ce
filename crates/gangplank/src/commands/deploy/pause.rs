//! How often a deployment is looked at, and for how long.

use std::time::Duration;

/// How long a deployment is waited for where nothing else is asked.
pub(super) const LONGEST: Duration = Duration::from_mins(30);

/// How long to the next look: most deployments take seconds, those that take minutes need not be asked for so often.
pub(super) fn after(looks: u32) -> Duration {
    if looks < 60 { Duration::from_millis(500) } else { Duration::from_secs(2) }
}
