//! Why a policy is refused when it is made. A policy that was taken never fails when it is asked.

use crate::json::{JsonError, Path};

/// A mistake in a policy, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} {problem}")]
pub struct PolicyError {
    /// The place, such as `$.Statement[0].Condition.StringEquals`.
    pub path: String,
    /// What is wrong there. Follows the place as the rest of its sentence.
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
