//! Asks the person at the terminal for what was not given.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, Result, bail};
use gangplank_api::Secret;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

/// The option's value, else an answer, else what was known. `asks` says whether there may be a question.
pub(super) fn answer(
    question: &str,
    option: &str,
    given: Option<String>,
    known: Option<String>,
    asks: bool,
) -> Result<String> {
    if let Some(given) = given {
        return Ok(given);
    }
    if !asks || !std::io::stdin().is_terminal() {
        return known.with_context(|| format!("{option} is missing"));
    }
    let shown = known.as_ref().map(|known| format!(" [{known}]")).unwrap_or_default();
    put(format_args!("{question}{shown}: "))?;
    match first_line() {
        Some(line) => Ok(line),
        None => known.with_context(|| format!("{} is needed", question.to_lowercase())),
    }
}

/// The same for a secret, which is not shown.
pub(super) fn secret(question: &str, option: &str, known: Option<Secret>, asks: bool) -> Result<Secret> {
    let stdin = std::io::stdin();
    if !asks || !stdin.is_terminal() {
        return known.with_context(|| format!("{option} is missing"));
    }
    let shown = if known.is_some() { " [as before]" } else { "" };
    put(format_args!("{question}{shown}: "))?;
    let before = tcgetattr(&stdin).context("cannot ask for a secret here")?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &silent).context("cannot ask for a secret here")?;
    let line = first_line();
    // The line's end was not shown either.
    tcsetattr(&stdin, OptionalActions::Flush, &before).ok();
    put(format_args!("\n"))?;
    match (line, known) {
        (Some(line), _) => Ok(line.into()),
        (None, Some(known)) => Ok(known),
        (None, None) => bail!("{} is needed", question.to_lowercase()),
    }
}

/// The next line of standard input; nothing if it is empty.
pub(super) fn first_line() -> Option<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).ok()?;
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// Questions go to standard error, beside what is printed.
fn put(text: std::fmt::Arguments<'_>) -> Result<()> {
    let mut stderr = std::io::stderr();
    stderr.write_fmt(text).and_then(|()| stderr.flush()).context("cannot ask")
}
