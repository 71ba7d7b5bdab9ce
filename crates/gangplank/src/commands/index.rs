//! `gangplank index`: makes indexes of images that other jobs have pushed.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Subcommand;
use gangplank_api::gangplank::CreateImageIndexRequest;

use crate::aws::connection::Connection;
use crate::terminal::output::print;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Join images into one for several platforms, on the server; no image is pulled for it
    Create {
        /// Repository of the images, without the registry's address, and the tag for the index
        #[arg(value_name = "NAME[:TAG]")]
        name: String,
        /// Digest of an image, or of an index whose images are taken; give it several times
        #[arg(long = "digest", value_name = "DIGEST", required = true)]
        digests: Vec<String>,
    },
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let client = args.connection.client()?;
    match args.command {
        Command::Create { name, digests } => {
            let (repository, tags) = repository_and_tags(&name)?;
            let made = client.call(&CreateImageIndexRequest { repository, tags, digests }).await?;
            print(&serde_json::to_value(made)?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads `NAME[:TAG]`. A repository's name has no colon, but a registry's address may have one.
fn repository_and_tags(name: &str) -> Result<(String, Option<Vec<String>>)> {
    match name.split_once(':') {
        None => Ok((name.to_owned(), None)),
        Some((address, rest)) if rest.contains('/') => bail!(
            "{name} begins with a registry's address, {address}:{}; leave it out, the server is named by \
             --endpoint-url, --data-dir or the profile",
            rest.split('/').next().unwrap_or_default()
        ),
        Some((repository, tag)) => Ok((repository.to_owned(), Some(vec![tag.to_owned()]))),
    }
}
