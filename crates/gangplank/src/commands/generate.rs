//! `gangplank generate`: manual pages and completion scripts, for whoever packages the program.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Subcommand, ValueEnum};

use crate::{completions, lightsail, output};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write manual pages of `gangplank lightsail` into a directory
    Man {
        /// The directory, which is made if it is not there
        dir: PathBuf,
    },
    /// Print a completion script
    Completions {
        /// The shell it is for
        shell: Shell,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Command::Man { dir } => write_pages(&dir)?,
        Command::Completions { shell } => {
            let places = completions::places();
            output::text(&match shell {
                Shell::Bash => completions::bash(&places),
                Shell::Zsh => completions::zsh(&places),
                Shell::Fish => completions::fish(&places),
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn write_pages(dir: &Path) -> Result<()> {
    let shown = || format!("cannot write to {}", dir.display());
    std::fs::create_dir_all(dir).with_context(shown)?;
    for (name, source) in lightsail::manual_sources() {
        std::fs::write(dir.join(format!("{name}.1")), source).with_context(shown)?;
    }
    Ok(())
}
