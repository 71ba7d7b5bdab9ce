//! Whether output is coloured: on a terminal with colours, unless `NO_COLOR` is set (<https://no-color.org>).

use std::io::IsTerminal;

/// Whether standard output is coloured.
pub(crate) fn on_output() -> bool {
    wanted(&std::io::stdout())
}

/// Whether standard error is coloured.
pub(crate) fn on_error() -> bool {
    wanted(&std::io::stderr())
}

fn wanted(stream: &impl IsTerminal) -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stream.is_terminal() && !is_set("NO_COLOR") && !is_dumb
}
