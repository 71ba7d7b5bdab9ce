//! Why a manifest is refused.

use crate::strict_json::Path;

/// How much of a path is kept, in characters.
const LONGEST_PATH: usize = 200;

/// What is wrong with a manifest, and where: `$.layers[3].size must be a whole number of bytes, is a string`.
///
/// Made for the person who wrote the program that sent it, who sees little else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} {problem}")]
pub struct ManifestError {
    /// The place, as a JSON path; `$` is the whole document.
    pub path: String,
    /// What is wrong with it, to be read behind the path.
    pub problem: String,
}

impl ManifestError {
    pub(crate) fn new(path: &Path<'_>, problem: impl Into<String>) -> ManifestError {
        let mut path = path.to_string();
        if let Some((end, _)) = path.char_indices().nth(LONGEST_PATH) {
            path.truncate(end);
            path.push_str("...");
        }
        ManifestError { path, problem: problem.into() }
    }
}
