//! The commands that are or need a server of their own, on an operating system that it does not run on.

use std::process::ExitCode;

use anyhow::{Result, bail};

/// Runs on Linux and macOS only.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What it would be told
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<String>,
}

pub(crate) async fn run(_: Args) -> Result<ExitCode> {
    bail!(
        "the server runs on Linux and macOS, and this is neither: run it there or in a container, and name it here with \
         --endpoint-url or `gangplank configure`"
    )
}
