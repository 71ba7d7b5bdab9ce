//! Lists that are told a page at a time.

use gangplank_api::ApiError;

use super::Result;

/// The longest page.
const MAX: i32 = 1_000;

/// How many a page has at the most.
pub(super) fn limit(max_results: Option<i32>) -> usize {
    usize::try_from(max_results.unwrap_or(MAX)).unwrap_or_default()
}

/// Reads a number that was given out.
pub(super) fn number(text: &str, name: &str) -> Result<i64> {
    text.parse().map_err(|_| unknown(name))
}

/// Refuses a token that nobody was given.
pub(super) fn unknown(name: &str) -> super::Failure {
    ApiError::invalid_input(format!("{name} is none that was given out.")).into()
}
