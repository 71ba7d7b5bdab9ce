//! A pager for the output. It is used only if input and output are a terminal.

use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::process::{Command, Stdio};

use super::failure::Failure;

/// Prints on standard output. On a terminal it goes through the pager, if there is one.
pub(crate) fn print(text: &str, pager: Option<&str>) -> Result<(), Failure> {
    if std::io::stdout().is_terminal()
        && let Some(words) = pager.and_then(crate::cli::words::split)
        && let [program, arguments @ ..] = words.as_slice()
    {
        return through(program, arguments, text);
    }
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // A reader that closes its end, such as `head`, has read enough. Any other failed write is an error.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints help, on a terminal through the pager that the AWS CLI would use: `MANPAGER`, `PAGER`, `less -R`. If the
/// pager fails, prints without it.
pub(crate) fn print_help(text: &str) -> Result<(), Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let pager = variable("MANPAGER").or_else(|| variable("PAGER")).unwrap_or_else(|| "less -R".to_owned());
    print(text, Some(&pager)).or_else(|_| print(text, None))
}

/// The pager to use: `AWS_PAGER`, else the profile's `cli_pager`, else `PAGER`, else `less`. An empty value means no
/// pager.
pub(crate) fn choose(setting: Option<&str>) -> Option<String> {
    let variable = |name: &str| std::env::var(name).ok();
    let chosen = variable("AWS_PAGER")
        .or_else(|| setting.map(str::to_owned))
        .or_else(|| variable("PAGER"))
        .unwrap_or_else(|| "less".to_owned());
    (!chosen.trim().is_empty()).then_some(chosen)
}

fn through(program: &str, arguments: &[String], text: &str) -> Result<(), Failure> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        // `less` ends at once if the text fits one screen, and shows colours.
        command.env("LESS", "FRX");
    }
    let mut child = command.spawn().map_err(|error| {
        let message = format!(
            "Unable to redirect output to pager. Received the following error when opening pager: {error}\n\n\
             Learn more about configuring the output pager by running \"gangplank lightsail help\"."
        );
        Failure::Configuration("PagerInitialization", message)
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(text.as_bytes());
    }
    child.wait()?;
    Ok(())
}
