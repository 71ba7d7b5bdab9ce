//! What of a request may be quoted in an answer.

/// The text, if it cannot be a secret that landed in the wrong field, else `...`.
///
/// Answers end up in the logs of clients. Secret keys and tokens are long and of mixed case, what we quote is short
/// and of one case; so this loses nothing that helps.
pub(crate) fn shown(text: &str) -> String {
    let of_case = |letter: fn(&u8) -> bool| {
        text.bytes().all(|byte| letter(&byte) || byte.is_ascii_digit() || b"-_:".contains(&byte))
    };
    let harmless = text.len() <= 32 && (of_case(u8::is_ascii_lowercase) || of_case(u8::is_ascii_uppercase));
    if harmless { text.to_owned() } else { "...".to_owned() }
}
