//! `gangplank generate`: manual pages, the reference pages of the manual, completion scripts and a sample of the
//! server's file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, Subcommand, ValueEnum};
#[cfg(unix)]
use gangplank_server::MasterKey;

use super::credential_provider::Provider;
use super::docker_credential::Helper;
use crate::cli::Cli;
use crate::help::{book, completions, manual_pages};
use crate::serving::options::sample_file;
use crate::terminal::output;
#[cfg(unix)]
use crate::{lightsail, lightsailctl};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a manual page for every command into a directory
    Man {
        /// The directory, which is made if it does not exist
        dir: PathBuf,
    },
    #[cfg(unix)]
    /// Write the reference pages of the manual into a directory, in Markdown
    Book {
        /// The directory, which is made if it does not exist
        dir: PathBuf,
    },
    #[cfg(unix)]
    /// Print a sample of the TOML file of `gangplank serve`: every option, explained and commented out
    Config,
    #[cfg(unix)]
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
        #[cfg(unix)]
        Command::Book { dir } => {
            let pages = book::pages();
            write_all(&dir, &pages)?;
            let pages = output::counted(u64::try_from(pages.len())?, "page");
            output::done(format_args!("wrote {pages} into {}", dir.display()));
        }
        #[cfg(unix)]
        Command::MasterKey => output::text(&MasterKey::generate()?)?,
        #[cfg(unix)]
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

/// Writes a page for every command. Returns the number of pages.
fn write_pages(dir: &Path) -> Result<u64> {
    let mut pages = BTreeMap::new();
    for command in programs() {
        manual_pages::collect(&command, None, &mut pages)?;
    }
    // The pages of `gangplank lightsail` come last. They replace the page that clap made for it, which is empty.
    pages.extend(lightsail::manual_sources());
    let files = pages.iter().map(|(name, source)| (format!("{name}.1"), source.clone())).collect();
    write_all(dir, &files)?;
    Ok(u64::try_from(pages.len())?)
}

/// The program under each of its names, with the options that clap knows.
pub(crate) fn programs() -> Vec<clap::Command> {
    let names = [Cli::command(), Helper::command(), Provider::command(), lightsailctl::command()];
    let built = names.map(|command| {
        let mut command = command.disable_help_subcommand(true);
        command.build();
        command
    });
    built.into()
}

fn write_all(dir: &Path, files: &BTreeMap<String, String>) -> Result<()> {
    let shown = || format!("cannot write to {}", dir.display());
    std::fs::create_dir_all(dir).with_context(shown)?;
    files.iter().try_for_each(|(name, text)| std::fs::write(dir.join(name), text).with_context(shown))
}
