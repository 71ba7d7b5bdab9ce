//! The progress of reading a data directory: a bar on a terminal, and nothing elsewhere.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

use super::output::sized;

/// A bar for bytes.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// Shows the bar.
    pub(crate) fn shown() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{bar:40} {done} of {all}, {eta} to go");
        let style = sized(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(ProgressBar::new(0).with_style(style))
    }

    /// Sets the bytes that were read so far, and their total.
    pub(crate) fn tell(&self, done: u64, all: u64) {
        self.0.set_length(all);
        self.0.set_position(done);
    }

    /// Removes the bar.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
