//! How a container behaves.

use std::time::Duration;

/// How a container of a [`Machine`](super::Machine) behaves, each time that it is started.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// The engine refuses to start it, in these words.
    pub refused: Option<String>,
    /// The lines that it prints at its start.
    pub prints: Vec<String>,
    /// What its TCP ports answer.
    pub answers: Answers,
    /// How long its ports refuse connections after its start.
    pub silent_for: Duration,
    /// How it ends by itself.
    pub ends: Option<End>,
    /// How long it takes to stop when it is asked to.
    pub stops_in: Duration,
    /// Processors that it keeps busy, such as 0.5.
    pub cpus: f64,
    /// Bytes of memory that it uses.
    pub memory: u64,
}

/// What the TCP ports of a container answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// They are closed.
    Nothing,
    /// They take a request and never answer it.
    Never,
    /// They answer each HTTP request with this status. The body is `SERVICE VERSION ORDINAL CONTAINER TARGET` and a
    /// line feed.
    Status(u16),
}

/// How a container ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// How long after its start.
    pub after: Duration,
    /// With this status.
    pub status: i64,
    /// Because it wanted more memory than its node has.
    pub out_of_memory: bool,
}

impl Behaviour {
    /// Runs until it is stopped, and opens no port.
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

    /// Answers each request with a status.
    pub fn serves(status: u16) -> Self {
        Self { answers: Answers::Status(status), ..Self::runs() }
    }

    /// Takes requests and never answers.
    pub fn hangs() -> Self {
        Self { answers: Answers::Never, ..Self::runs() }
    }

    /// Ends with a status.
    pub fn ends(status: i64, after: Duration) -> Self {
        Self { ends: Some(End { after, status, out_of_memory: false }), ..Self::runs() }
    }

    /// Is ended for the memory that it wants.
    pub fn runs_out_of_memory(after: Duration) -> Self {
        Self { ends: Some(End { after, status: 137, out_of_memory: true }), ..Self::runs() }
    }

    /// Cannot be started.
    pub fn refused(reason: &str) -> Self {
        Self { refused: Some(reason.to_owned()), ..Self::runs() }
    }

    /// The same, printing these lines at its start.
    #[must_use]
    pub fn printing<'a>(self, lines: impl IntoIterator<Item = &'a str>) -> Self {
        Self { prints: lines.into_iter().map(str::to_owned).collect(), ..self }
    }

    /// The same, with ports that refuse connections at first.
    #[must_use]
    pub fn silent_for(self, time: Duration) -> Self {
        Self { silent_for: time, ..self }
    }

    /// The same, taking so long to stop.
    #[must_use]
    pub fn stopping_in(self, time: Duration) -> Self {
        Self { stops_in: time, ..self }
    }

    /// The same, using so much.
    #[must_use]
    pub fn using(self, cpus: f64, memory: u64) -> Self {
        Self { cpus, memory, ..self }
    }
}
