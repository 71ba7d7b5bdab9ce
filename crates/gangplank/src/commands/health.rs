//! `gangplank health`: shows the state of a server.

use std::process::ExitCode;

use anyhow::Result;
use gangplank_api::gangplank::GetServerHealthRequest;
use serde_json::json;

use crate::aws::connection::Connection;
use crate::terminal::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let client = args.connection.client()?;
    let health = client.call(&GetServerHealthRequest::default()).await?;
    output::print(&json!({ "health": health }))?;
    Ok(ExitCode::SUCCESS)
}
