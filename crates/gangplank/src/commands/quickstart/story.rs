//! Prints the demonstration: numbered steps, the command that does the same, and the result.

use std::io::IsTerminal as _;

use crate::terminal::foreign::visible;
use crate::terminal::output::say_in_colour as say;

/// Prints the steps, in colour on a terminal.
pub(super) struct Story {
    steps: u32,
    colour: bool,
}

impl Story {
    pub(super) fn new() -> Self {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { steps: 0, colour }
    }

    /// Begins a step.
    pub(super) fn step(&mut self, title: &str) {
        self.steps += 1;
        say(format_args!("\n{}. {}", self.steps, self.paint("1", title)));
    }

    /// Prints a command that does the same as the step.
    pub(super) fn command(&self, command: &str) {
        say(format_args!("     $ {}", self.paint("36", command)));
    }

    /// Prints a remark between two steps.
    pub(super) fn note(&self, text: &str) {
        say(format_args!("     {}", self.paint("2", text)));
    }

    /// Prints that a step succeeded, with its result.
    pub(super) fn held(&self, result: &str) {
        say(format_args!("  {} {}", self.paint("32", "ok"), visible(result)));
    }

    /// Prints that the demonstration failed.
    pub(super) fn failed(&self, error: &anyhow::Error) {
        say(format_args!("  {} {}", self.paint("31", "FAILED"), visible(&format!("{error:#}"))));
    }

    /// Prints that the server continues, and the address of its page.
    pub(super) fn staying_up(&self, endpoint: &str, page: Option<&str>) {
        if let Some(page) = page {
            say(format_args!("\n{}", self.paint("1", &format!("Open {page} in a browser."))));
        }
        let text = format!("The server stays up on {endpoint}. Ctrl-C stops it.");
        say(format_args!("\n{}", self.paint("1", &text)));
    }

    fn paint(&self, code: &str, text: &str) -> String {
        let text = visible(text);
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.into_owned() }
    }
}
