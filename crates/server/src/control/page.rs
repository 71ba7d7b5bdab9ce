//! Lists that are answered one page at a time.

use gangplank_api::ApiError;

use super::Result;

/// The most entries of one page.
const MAX: i32 = 1_000;

/// How many entries the requested page may have.
pub(super) fn limit(max_results: Option<i32>) -> usize {
    usize::try_from(max_results.unwrap_or(MAX)).unwrap_or_default()
}

/// Reads a number that an earlier answer gave out.
pub(super) fn number(text: &str, name: &str) -> Result<i64> {
    text.parse().map_err(|_| unknown(name))
}

/// Refuses a token that no answer gave out.
pub(super) fn unknown(name: &str) -> super::Failure {
    ApiError::invalid_input(format!("{name} is none that was given out.")).into()
}
