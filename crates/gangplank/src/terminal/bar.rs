//! How far the reading of a data directory has come: a bar on a terminal, nothing elsewhere.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

use super::output::sized;

/// Shows how many bytes of how many have been read.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// Begins to show it.
    pub(crate) fn shown() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{bar:40} {done} of {all}, {eta} to go");
        let style = sized(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(ProgressBar::new(0).with_style(style))
    }

    /// So many bytes of so many have been read.
    pub(crate) fn tell(&self, done: u64, all: u64) {
        self.0.set_length(all);
        self.0.set_position(done);
    }

    /// Takes it away.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
