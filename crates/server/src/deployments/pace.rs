//! The times of the deployer that no setting changes.

use std::time::Duration;

/// The times of the deployer that no setting changes. Tests use shorter ones.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The pause between two looks at everything, unless an event comes first.
    pub look: Duration,
    /// The pause between two health checks until a node is first healthy, unless its own interval is shorter.
    pub probe: Duration,
    /// The pause between two health checks until the first answer.
    pub first_probe: Duration,
    /// How long a node without an endpoint has to run before it counts as healthy.
    pub run_in: Duration,
    /// How long open requests may continue at a node that is leaving.
    pub drain: Duration,
    /// How long a server that stops keeps serving until another one has taken a service over.
    pub hand_over: Duration,
    /// How long the engine may be away. After this time, the server gives up each service that does not answer, if
    /// another server can run it.
    pub engine_away: Duration,
    /// How long a container may take to stop by itself.
    pub grace: Duration,
    /// The first pause after a failure. Each further pause is twice as long.
    pub pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// After this time without a failure, the pauses begin with the first again.
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
            hand_over: Duration::from_secs(30),
            engine_away: Duration::from_mins(1),
            grace: Duration::from_secs(10),
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_mins(1),
            calm: Duration::from_mins(10),
        }
    }
}
