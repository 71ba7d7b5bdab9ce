//! The behaviour of a simulated container.

use std::time::Duration;

/// The behaviour of a container on a [`Machine`](super::Machine), each time that it is started.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// The error with which the engine refuses to start it.
    pub refused: Option<String>,
    /// The lines that it prints at its start.
    pub prints: Vec<String>,
    /// The answer of its TCP ports.
    pub answers: Answers,
    /// How long its ports refuse connections after its start.
    pub silent_for: Duration,
    /// How the container ends by itself; `None` if it does not.
    pub ends: Option<End>,
    /// How long it takes to stop.
    pub stops_in: Duration,
    /// Processors that it keeps busy, such as 0.5.
    pub cpus: f64,
    /// The memory that it uses, in bytes.
    pub memory: u64,
}

/// The answer of a container's TCP ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// No port is open.
    Nothing,
    /// The ports accept requests and never answer.
    Never,
    /// The ports answer each HTTP request with this status. The body is `SERVICE VERSION ORDINAL CONTAINER
    /// TARGET` and a line feed.
    Status(u16),
}

/// How a container ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The time between its start and its end.
    pub after: Duration,
    /// The exit status.
    pub status: i64,
    /// Whether it ends because it wanted more memory than its node has.
    pub out_of_memory: bool,
}

impl Behaviour {
    /// A container that runs until it is stopped, and opens no port.
    pub fn runs() -> Self {
        Self {
            refused: None,
            prints: Vec::new(),
            answers: Answers::Nothing,
            silent_for: Duration::ZERO,
            ends: None,
            stops_in: Duration::ZERO,
            cpus: 0.0,
            memory: 1 << 20,
        }
    }

    /// A container that answers each request with a status.
    pub fn serves(status: u16) -> Self {
        Self { answers: Answers::Status(status), ..Self::runs() }
    }

    /// A container that accepts requests and never answers.
    pub fn hangs() -> Self {
        Self { answers: Answers::Never, ..Self::runs() }
    }

    /// A container that ends with a status.
    pub fn ends(status: i64, after: Duration) -> Self {
        Self { ends: Some(End { after, status, out_of_memory: false }), ..Self::runs() }
    }

    /// A container that is ended because it wants too much memory.
    pub fn runs_out_of_memory(after: Duration) -> Self {
        Self { ends: Some(End { after, status: 137, out_of_memory: true }), ..Self::runs() }
    }

    /// Cannot be started.
    pub fn refused(reason: &str) -> Self {
        Self { refused: Some(reason.to_owned()), ..Self::runs() }
    }

    /// Adds lines that it prints at its start.
    #[must_use]
    pub fn printing<'a>(self, lines: impl IntoIterator<Item = &'a str>) -> Self {
        Self { prints: lines.into_iter().map(str::to_owned).collect(), ..self }
    }

    /// Adds a time after its start in which its ports refuse connections.
    #[must_use]
    pub fn silent_for(self, time: Duration) -> Self {
        Self { silent_for: time, ..self }
    }

    /// Sets how long it takes to stop.
    #[must_use]
    pub fn stopping_in(self, time: Duration) -> Self {
        Self { stops_in: time, ..self }
    }

    /// Sets the resources that it uses.
    #[must_use]
    pub fn using(self, cpus: f64, memory: u64) -> Self {
        Self { cpus, memory, ..self }
    }
}
