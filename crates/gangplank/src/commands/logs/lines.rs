//! How lines of a log are printed. Their text comes from the program in the container, so hidden characters and
//! commands to a CI job are removed.

use anyhow::Result;

use crate::services::container_log::Line;
use crate::terminal::listing::{Cell, Column, Form, Listing};
use crate::terminal::{foreign, output};

/// The names are those of the API.
const LINES: Listing<Line> = Listing {
    name: "logEvents",
    empty: "",
    columns: &[
        Column::new("AT", "createdAt", |line: &Line| Cell::Time(line.at)),
        Column::new("MESSAGE", "message", |line| Cell::words(&line.text)),
    ],
    sentence: None,
};

/// How lines are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) form: Form,
    /// Whether each line begins with its time. JSON always has it.
    pub(super) timestamps: bool,
}

impl Style {
    /// Prints lines that are the whole answer.
    pub(super) fn show(self, lines: &[Line]) -> Result<()> {
        match self.form {
            Form::Json => LINES.show(Form::Json, lines),
            Form::Text | Form::Table => self.stream(lines),
        }
    }

    /// Prints lines. Further calls may print more of them.
    pub(super) fn stream(self, lines: &[Line]) -> Result<()> {
        let shown: String = lines.iter().map(|line| self.one(line)).collect();
        if shown.is_empty() { Ok(()) } else { output::text(&shown) }
    }

    fn one(self, line: &Line) -> String {
        match self.form {
            Form::Json => format!("{}\n", foreign::json(&LINES.object(line).to_string())),
            Form::Text | Form::Table => {
                let text = foreign::line(&line.text);
                if self.timestamps { format!("{} {text}\n", output::timestamp(line.at)) } else { text + "\n" }
            }
        }
    }
}
