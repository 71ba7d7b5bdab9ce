//! Whole numbers in options.

use std::str::FromStr;

/// Reads a count.
///
/// # Errors
/// If the number is negative or too large, or if the text is no number. The error is a sentence.
pub(crate) fn read<T: FromStr>(text: &str) -> Result<T, String> {
    let trimmed = text.trim();
    let negative =
        trimmed.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    trimmed.parse().map_err(|_| {
        if negative {
            "it cannot be negative".to_owned()
        } else if !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
            format!("{trimmed} is too large")
        } else {
            "it is a whole number".to_owned()
        }
    })
}
