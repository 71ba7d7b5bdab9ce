//! The place of a value in a request, and the form in which a message shows the value.

use std::fmt;

/// How many characters of a refused value a message shows.
const SHOWN: usize = 64;

/// The path from the request to one of its parts, such as `deployment.containers.web.command[2]`.
#[derive(Clone, Copy)]
pub(crate) enum Path<'a> {
    /// The request itself.
    Root,
    /// A member of a structure, or the value of a map's key.
    Member(&'a Self, &'a str),
    /// An element of a list.
    Element(&'a Self, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(Self::Root, name) => write!(formatter, "{}", shorten(name).escape_debug()),
            Self::Member(parent, name) => write!(formatter, "{parent}.{}", shorten(name).escape_debug()),
            Self::Element(parent, index) => write!(formatter, "{parent}[{index}]"),
        }
    }
}

/// The beginning of a text in quotes, without characters that could break a line of a log.
pub(crate) fn quote(text: &str) -> String {
    format!("{:?}", shorten(text))
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
