//! The commands that are a server or open its data directory, on an operating system that it does not run on.

use std::process::ExitCode;

use anyhow::{Result, bail};

/// Runs on Linux and macOS only.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What it would be told
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<String>,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    at_once::run(args)
}

/// Those of them that wait for nothing.
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
