//! Asks the person at the terminal for missing values.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, Result, bail};
use gangplank_api::Secret;

use crate::system::unshown;

/// Whether the person may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    /// Yes, if standard input is a terminal.
    AtATerminal,
    /// No question is asked: a missing value is an error.
    Never,
}

/// The value of an option, else the answer to a question, else the known value. `check` refuses a value with a
/// reason, and then the question is put again.
pub(super) fn answer(
    question: &str,
    option: &str,
    given: Option<String>,
    known: Option<String>,
    asking: Asking,
    check: impl Fn(&str) -> Result<()>,
) -> Result<String> {
    if given.is_some() || asking == Asking::Never || !std::io::stdin().is_terminal() {
        let found = given.or(known).with_context(|| format!("{option} is missing"))?;
        check(&found)?;
        return Ok(found);
    }
    let shown = known.as_ref().map(|known| format!(" [{known}]")).unwrap_or_default();
    loop {
        put(format_args!("{question}{shown}: "))?;
        let Some(line) = first_line() else {
            let known = known.with_context(|| format!("{} is needed", question.to_lowercase()))?;
            check(&known)?;
            return Ok(known);
        };
        match check(&line) {
            Ok(()) => return Ok(line),
            Err(why) => put(format_args!("{why:#}\n"))?,
        }
    }
}

/// The answer to a question about a secret, as [`answer`] finds it. The terminal does not show it.
pub(super) fn secret(question: &str, option: &str, known: Option<Secret>, asking: Asking) -> Result<Secret> {
    let stdin = std::io::stdin();
    if asking == Asking::Never || !stdin.is_terminal() {
        return known.with_context(|| format!("{option} is missing"));
    }
    let shown = if known.is_some() { " [as before]" } else { "" };
    put(format_args!("{question}{shown}: "))?;
    let line = unshown(first_line).context("cannot ask for a secret here")?;
    // The terminal did not show the end of the line either.
    put(format_args!("\n"))?;
    match (line, known) {
        (Some(line), _) => Ok(line.into()),
        (None, Some(known)) => Ok(known),
        (None, None) => bail!("{} is needed", question.to_lowercase()),
    }
}

/// The next line of standard input, without spaces around it. `None` if it is empty.
pub(super) fn first_line() -> Option<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).ok()?;
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// Prints a question on standard error, since standard output is for results.
fn put(text: std::fmt::Arguments<'_>) -> Result<()> {
    let mut stderr = std::io::stderr();
    stderr.write_fmt(text).and_then(|()| stderr.flush()).context("cannot ask")
}
