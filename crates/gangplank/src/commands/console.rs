//! `gangplank console`: the web console, signed in by a one-time link.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use gangplank_api::gangplank::CreateConsoleLinkRequest;

use crate::aws::connection::Connection;
use crate::system::browser;
use crate::terminal::output::{done, say, text};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print the link and open no browser; the link signs a browser in once, within a minute
    #[arg(long)]
    print: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let client = args.connection.client()?;
    let link = client.call(&CreateConsoleLinkRequest::default()).await?;
    // The address is the one that this call used, so it is known to work.
    let path = link.path.expose();
    let url = client.endpoint().join(path).context("the server made no link that can be used")?;
    // The server chooses only the path of the link.
    anyhow::ensure!(
        url.origin() == client.endpoint().origin(),
        "the server made a link that leads elsewhere"
    );
    if args.print || !browser::open(url.as_str()) {
        if !args.print {
            done("open this link in a browser within a minute; it works once:");
        }
        text(&format!("{url}\n"))?;
    } else {
        say(
            "The console is opening in your browser. If it does not open, `gangplank console --print` prints the link.",
        );
    }
    Ok(ExitCode::SUCCESS)
}
