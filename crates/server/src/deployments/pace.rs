//! How long things take that nobody chooses.

use std::time::Duration;

/// How long things take that nobody chooses. Tests go faster.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From one look at everything to the next, if nothing says that something happened.
    pub look: Duration,
    /// From one probe to the next while a node has not been healthy yet, if its own interval is not shorter.
    pub probe: Duration,
    /// From one probe to the next until something answers for the first time.
    pub first_probe: Duration,
    /// How long containers without an endpoint have to run before they count as well.
    pub run_in: Duration,
    /// How long requests under way may go on at a node that is to go.
    pub drain: Duration,
    /// How long a container may take to end by itself.
    pub grace: Duration,
    /// The first pause before something that failed is tried again; each further one is twice as long.
    pub pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// After so long without a failure, the next pause is the first one again.
    pub calm: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(5),
            probe: Duration::from_secs(1),
            first_probe: Duration::from_millis(100),
            run_in: Duration::from_secs(10),
            drain: Duration::from_secs(30),
            grace: Duration::from_secs(10),
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_mins(1),
            calm: Duration::from_mins(10),
        }
    }
}
