//! Quotes text from a client in an error message.

use std::fmt;

/// How much of a client's text an error message repeats, in characters.
const LIMIT: usize = 80;

/// Prints a client's text inside backquotes. It is escaped, so that it cannot forge a line of a log, and cut, so that
/// the answer to a large request stays small.
pub(crate) struct Excerpt<'a>(pub(crate) &'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars();
        f.write_str("`")?;
        for character in characters.by_ref().take(LIMIT) {
            write!(f, "{}", character.escape_debug())?;
        }
        f.write_str(if characters.next().is_some() { "...`" } else { "`" })
    }
}
