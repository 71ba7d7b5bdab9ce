//! `gangplank generate`: manual pages and completion scripts, for whoever packages the program.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, Subcommand, ValueEnum};
use clap_mangen::Man;

use super::docker_credential::Helper;
use crate::cli::Cli;
use crate::{completions, lightsail, lightsailctl, output};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a manual page for every command into a directory
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
    for command in [Cli::command(), Helper::command(), lightsailctl::command()] {
        let mut command = command.disable_help_subcommand(true);
        command.build();
        write_page(&command, dir).with_context(shown)?;
    }
    // These come last: what clap knows of `gangplank lightsail` is a page that says nothing.
    for (name, source) in lightsail::manual_sources() {
        std::fs::write(dir.join(format!("{name}.1")), source).with_context(shown)?;
    }
    Ok(())
}

/// Writes the page of a command and those of the commands below it.
fn write_page(command: &clap::Command, dir: &Path) -> std::io::Result<()> {
    let source = concat!("gangplank ", env!("CARGO_PKG_VERSION"));
    Man::new(command.clone()).source(source).generate_to(dir)?;
    command.get_subcommands().filter(|each| !each.is_hide_set()).try_for_each(|each| write_page(each, dir))
}
