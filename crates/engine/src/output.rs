//! What containers print.

use crate::NodeName;

/// Receives the output of containers. An engine passes lines on at once and never waits.
pub trait Output: Send + Sync {
    /// Receives a line, without its line feed. Must not block.
    fn line(&self, node: &NodeName, container: &str, line: Line);

    /// The last lines of a container that were received before, at most `count`, the oldest first. An engine asks for
    /// them when it continues after a gap, so that no line is passed on twice or left out.
    fn kept(&self, node: &NodeName, container: &str, count: usize) -> Vec<KeptLine>;
}

/// The two output streams of a container. Each keeps its order. A reader may receive the lines of both in another order
/// than the engine logged them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pipe {
    /// Standard output.
    Output,
    /// Standard error.
    Errors,
}

impl Pipe {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Output, Self::Errors];
}

/// A line that a container printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The time at which the engine logged it, in nanoseconds since 1970, but not earlier than the last line that was
    /// received before. `None` for a line that comes directly from the container.
    pub at: Option<i64>,
    /// Where it was printed.
    pub pipe: Pipe,
    /// The text, of at most 256 KiB.
    pub text: Vec<u8>,
}

/// A line that was received before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptLine {
    /// When it was received, in milliseconds since 1970.
    pub at: i64,
    /// Where it was printed.
    pub pipe: Pipe,
    /// Its text.
    pub text: Vec<u8>,
}
