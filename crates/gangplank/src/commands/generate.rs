//! `gangplank generate`: manual pages, completion scripts and a sample of the server's file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, Subcommand, ValueEnum};
use gangplank_server::MasterKey;

use super::credential_provider::Provider;
use super::docker_credential::Helper;
use crate::cli::Cli;
use crate::serve_options::sample_file;
use crate::{completions, lightsail, lightsailctl, manual_pages, output};

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
    /// Print a sample of the TOML file of `gangplank serve`: every option, explained and commented out
    Config,
    /// Print a new key for the file of `gangplank serve --master-key-file`
    MasterKey,
    /// Print a completion script
    ///
    /// bash: gangplank generate completions bash > ~/.local/share/bash-completion/completions/gangplank
    ///
    /// zsh: gangplank generate completions zsh > DIR/_gangplank, where DIR is in fpath
    ///
    /// fish: gangplank generate completions fish > ~/.config/fish/completions/gangplank.fish
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
        Command::Man { dir } => {
            let pages = write_pages(&dir)?;
            let pages = output::counted(pages, "manual page");
            output::done(format_args!("wrote {pages} into {}", dir.display()));
        }
        Command::MasterKey => output::text(&MasterKey::generate()?)?,
        Command::Config => output::text(&sample_file::text())?,
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

/// Writes a page for every command and says how many there are.
fn write_pages(dir: &Path) -> Result<u64> {
    let shown = || format!("cannot write to {}", dir.display());
    std::fs::create_dir_all(dir).with_context(shown)?;
    let mut pages = BTreeMap::new();
    for command in [Cli::command(), Helper::command(), Provider::command(), lightsailctl::command()] {
        let mut command = command.disable_help_subcommand(true);
        command.build();
        manual_pages::collect(&command, None, &mut pages)?;
    }
    // These come last: what clap knows of `gangplank lightsail` is a page that says nothing.
    pages.extend(lightsail::manual_sources());
    for (name, source) in &pages {
        std::fs::write(dir.join(format!("{name}.1")), source).with_context(shown)?;
    }
    Ok(u64::try_from(pages.len())?)
}
