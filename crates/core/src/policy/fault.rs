//! The reasons for which a new policy is refused. A policy that was accepted never fails later.

use crate::json::{JsonError, Path};

/// A mistake in a policy, and its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} {problem}")]
pub struct PolicyError {
    /// The place, such as `$.Statement[0].Condition.StringEquals`.
    pub path: String,
    /// The fault. It is the end of a sentence that begins with the place.
    pub problem: String,
}

impl PolicyError {
    pub(super) fn new(path: &Path<'_>, problem: impl Into<String>) -> Self {
        Self { path: path.to_string(), problem: problem.into() }
    }
}

impl From<JsonError> for PolicyError {
    fn from(JsonError { path, problem }: JsonError) -> Self {
        Self { path, problem }
    }
}
