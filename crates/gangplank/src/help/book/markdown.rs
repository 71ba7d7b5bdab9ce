//! Writes Markdown, as much of it as the pages need.

use std::fmt::Write as _;

/// A page that is written from top to bottom.
pub(super) struct Page(String);

impl Page {
    pub(super) fn new(title: &str) -> Self {
        Self(format!(
            "<!-- Written by `gangplank generate book`: change the program, not this page. -->\n\n# {title}\n"
        ))
    }

    pub(super) fn heading(&mut self, depth: usize, text: &str) {
        let _ = write!(self.0, "\n{} {text}\n", "#".repeat(depth));
    }

    /// Adds paragraphs.
    pub(super) fn text(&mut self, text: &str) {
        let _ = write!(self.0, "\n{}\n", text.trim());
    }

    pub(super) fn code(&mut self, language: &str, text: &str) {
        let _ = write!(self.0, "\n```{language}\n{}\n```\n", text.trim_end());
    }

    /// Adds a table, unless it has no rows.
    pub(super) fn table<const N: usize>(&mut self, head: [&str; N], rows: &[[String; N]]) {
        if rows.is_empty() {
            return;
        }
        let _ = write!(self.0, "\n| {} |\n|{}\n", head.join(" | "), "---|".repeat(N));
        for row in rows {
            let cells = row.each_ref().map(|cell| cell.replace('|', "\\|").replace('\n', " "));
            let _ = writeln!(self.0, "| {} |", cells.join(" | "));
        }
    }

    pub(super) fn whole(self) -> String {
        self.0
    }
}

/// Text in the form of code.
pub(super) fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

/// Text of a help page or a description, on one line, with HTML escaped.
pub(super) fn prose(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // Text between backticks stays as it is.
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(at, part)| {
        if at % 2 == 1 {
            part.to_owned()
        } else {
            part.replace('<', "&lt;").replace('*', "\\*").replace('_', "\\_")
        }
    });
    parts.collect::<Vec<_>>().join("`")
}

/// The text as [`prose`] writes it, with a full stop at the end.
pub(super) fn sentence(text: &str) -> String {
    let text = prose(text);
    if text.is_empty() || text.ends_with(['.', ':', '!', '?']) { text } else { text + "." }
}
