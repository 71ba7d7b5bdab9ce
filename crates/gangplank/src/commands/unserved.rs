//! Commands that run a server or open its data directory, on an operating system without a server.

use std::process::ExitCode;

use anyhow::{Result, bail};

/// Runs on Linux and macOS only.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The arguments, which are ignored
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<String>,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    at_once::run(args)
}

/// The commands among them that are not asynchronous.
pub(crate) mod at_once {
    pub(crate) use super::Args;
    use super::{ExitCode, Result, bail};

    pub(crate) fn run(_: Args) -> Result<ExitCode> {
        bail!(
            "the server runs on Linux and macOS, and this is neither: run this command there or in a container, and \
             name the server here with --endpoint-url or `gangplank configure`"
        )
    }
}
