//! `gangplank index`: indexes of images that other jobs have pushed.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use gangplank_api::gangplank::CreateImageIndexRequest;

use crate::connection::Connection;
use crate::output::print;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Join images into one for several platforms, on the server; nothing is pulled for it
    Create {
        /// Repository that has the images, without the registry's address, and the tag that the index gets
        #[arg(value_name = "NAME[:TAG]")]
        name: String,
        /// Digest of an image, or of an index whose images are taken; once for each
        #[arg(long = "digest", value_name = "DIGEST", required = true)]
        digests: Vec<String>,
    },
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let client = args.connection.client()?;
    match args.command {
        Command::Create { name, digests } => {
            // No repository's name has a colon.
            let (repository, tag) = name
                .split_once(':')
                .map_or((name.as_str(), None), |(repository, tag)| (repository, Some(tag.to_owned())));
            let (repository, tags) = (repository.to_owned(), tag.map(|tag| vec![tag]));
            let made = client.call(&CreateImageIndexRequest { repository, tags, digests }).await?;
            print(&serde_json::to_value(made)?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
