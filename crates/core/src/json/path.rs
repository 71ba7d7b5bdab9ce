//! The place of a value in its document, and the form in which a client's text is quoted.

use std::fmt;

/// The place of a value in its document. Printed as a JSON path: `$.Statement[0].Effect`.
#[derive(Clone, Copy, Debug)]
pub enum Path<'p> {
    /// The whole document.
    Root,
    /// A member of an object.
    Member(&'p Path<'p>, &'p str),
    /// An item of a list.
    Item(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => f.write_str("$"),
            Path::Member(parent, name) if is_plain(name) => write!(f, "{parent}.{name}"),
            Path::Member(parent, name) => write!(f, "{parent}[{}]", Quoted(name)),
            Path::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

fn is_plain(name: &str) -> bool {
    (1..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A client's text between backquotes. It is escaped, so that it cannot forge a line of a log, and cut after 80
/// characters.
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars();
        f.write_str("`")?;
        for character in characters.by_ref().take(80) {
            match character {
                '"' | '\'' | '\\' => write!(f, "{character}")?,
                _ => write!(f, "{}", character.escape_debug())?,
            }
        }
        f.write_str(if characters.next().is_some() { "...`" } else { "`" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_text_stays_on_its_line_and_short() {
        assert_eq!(Quoted("a\nb\u{1b}").to_string(), "`a\\nb\\u{1b}`");
        assert_eq!(Quoted("it's \"x\"").to_string(), "`it's \"x\"`");
        assert_eq!(Quoted(&"x".repeat(200)).to_string().len(), 85);
    }
}
