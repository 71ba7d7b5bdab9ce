//! `gangplank push`: pushes an image and registers it, in one go.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use gangplank_api::lightsail::RegisterContainerImageRequest;
use gangplank_oci::Tag;
use serde_json::json;

use super::login;
use crate::api_client::present;
use crate::connection::Connection;
use crate::output;
use crate::push::login::{Login, Mint};
use crate::push::platform::Platform;
use crate::push::progress::Progress;
use crate::push::registry::Registry;
use crate::push::source::Source;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image: NAME in a running engine (Docker's or Podman's socket), `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`,
    /// `docker-archive:FILE[:NAME]`, or `-` for an archive on standard input
    image: String,
    /// The container service to register it on
    #[arg(long, value_name = "NAME")]
    service_name: String,
    /// The label to register it under
    #[arg(long)]
    label: String,
    /// Of an image for several platforms, push this one alone
    #[arg(long, value_name = "OS/ARCHITECTURE")]
    platform: Option<Platform>,
    /// How many blobs go up at a time
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32))]
    jobs: u8,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Form::Text, conflicts_with = "quiet")]
    output: Form,
    /// Print nothing but the name of the registered image
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let client = Arc::new(args.connection.client()?);
    let minting = Arc::clone(&client);
    let mint: Mint = Box::new(move || {
        let client = Arc::clone(&minting);
        Box::pin(async move {
            let made = login::make(&client).await?;
            Ok(Login {
                username: made.login.username,
                password: made.login.secret.into(),
                registry: made.registry,
            })
        })
    });
    let registry = Registry::connect(client.endpoint(), mint, |url| client.http_for(url)).await?;
    // Whoever registers by digest needs no tag, but every manifest at the top is put under one.
    let tag = Tag::parse(&format!("push-{}", uuid::Uuid::new_v4().simple())).context("a tag")?;
    let progress = Arc::new(Progress::default());
    let source = Source::parse(&args.image);
    let digest =
        crate::push::run(source, args.platform, &registry, &tag, args.jobs.into(), &progress).await?;
    let registration = RegisterContainerImageRequest {
        service_name: args.service_name,
        label: args.label,
        digest: digest.to_string(),
    };
    let registered = client.call(&registration).await?.container_image;
    let image = present(registered.and_then(|image| image.image), "image")?;
    if args.quiet {
        output::text(&format!("{image}\n"))?;
    } else if args.output == Form::Json {
        output::print(
            &json!({ "image": image, "digest": digest.to_string(), "bytesSent": progress.bytes() }),
        )?;
    } else {
        output::text(&format!("Pushed {digest}, {} bytes sent.\nRegistered as {image}\n", progress.bytes()))?;
    }
    Ok(ExitCode::SUCCESS)
}
