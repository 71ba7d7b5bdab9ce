//! What containers print.

use crate::NodeName;

/// Takes what containers print. An engine hands lines over as they come and never waits.
pub trait Output: Send + Sync {
    /// A line, without its line feed. It must be taken without blocking.
    fn line(&self, node: &NodeName, container: &str, line: Line);

    /// The last lines of a container that were taken before, the oldest first, at most `count`. An engine asks when
    /// it reads a container's output again after a gap, to hand over no line twice and leave none out.
    fn kept(&self, node: &NodeName, container: &str, count: usize) -> Vec<KeptLine>;
}

/// A line that a container printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When, in nanoseconds since 1970 as the engine noted it; `None` for one that comes as it is printed.
    pub at: Option<i64>,
    /// The text, of at most 256 KiB.
    pub text: Vec<u8>,
}

/// A line that was taken before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptLine {
    /// When it was taken, in milliseconds since 1970.
    pub at: i64,
    /// Its text.
    pub text: Vec<u8>,
}
