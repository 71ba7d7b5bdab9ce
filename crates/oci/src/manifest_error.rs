//! The reasons for which a manifest is refused.

use crate::strict_json::Path;

/// The longest path in an error, in characters.
const LONGEST_PATH: usize = 200;

/// A fault in a manifest and its place: `$.layers[3].size must be a whole number of bytes, is a string`.
///
/// The reader of this error wrote the program that sent the manifest, and usually sees nothing else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} {problem}")]
pub struct ManifestError {
    /// The place, as a JSON path; `$` is the whole document.
    pub path: String,
    /// The fault, to be read after the path.
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
