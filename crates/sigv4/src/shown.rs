//! Decides which parts of a request an answer may quote.

/// The text, or `...` if it could be a secret in the wrong field.
///
/// Clients write answers to their logs. Secret keys and tokens are long and of mixed case. The parts that help are
/// short and of one case, so they are still quoted.
pub(crate) fn shown(text: &str) -> String {
    let of_case = |letter: fn(&u8) -> bool| {
        text.bytes().all(|byte| letter(&byte) || byte.is_ascii_digit() || b"-_:".contains(&byte))
    };
    let harmless = text.len() <= 32 && (of_case(u8::is_ascii_lowercase) || of_case(u8::is_ascii_uppercase));
    if harmless { text.to_owned() } else { "...".to_owned() }
}
