//! `gangplank push`: pushes an image and registers it.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use gangplank_oci::Digest;
use serde_json::json;

use self::registering::{Place, Registered, connect};
use crate::aws::connection::Connection;
use crate::push::progress::Progress;
use crate::push::source::Source;
use crate::push::source::platform::{Platform, Platforms};
use crate::push::{self, Planned};
use crate::terminal::listing::{Cell, Column, Form, Listing};
use crate::terminal::output::{self, size};
use crate::values::whole_number;

pub(super) mod registering;
mod service;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image: NAME in a running engine (Docker's or Podman's socket), `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`,
    /// `docker-archive:FILE[:NAME]`, or `-` for an archive on standard input; `docker-archive:-:NAME` names an image
    /// in it
    image: String,
    /// The container service to register it on
    #[arg(long, value_name = "NAME")]
    service_name: String,
    /// The label to register it under
    #[arg(long)]
    label: String,
    /// Push only this platform of a multi-platform image
    #[arg(long, value_name = "OS/ARCHITECTURE")]
    platform: Option<Platform>,
    /// How many blobs are uploaded at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = jobs, allow_negative_numbers = true)]
    jobs: u8,
    #[command(flatten)]
    creation: service::Creation,
    /// Send and register nothing; list what would be sent
    #[arg(long)]
    dry_run: bool,
    /// How the result is shown [default: table on a terminal, text elsewhere]
    #[arg(long, value_name = "FORM")]
    output: Option<Form>,
    /// Print the name of the registered image, and nothing else
    #[arg(long, short, conflicts_with_all = ["output", "dry_run"])]
    quiet: bool,
    #[command(flatten)]
    connection: Connection,
}

const BLOBS: Listing<Planned> = Listing {
    name: "blobs",
    empty: "",
    columns: &[
        Column::new("DIGEST", "digest", |blob| Cell::words(blob.digest.to_string())),
        Column::new("SIZE", "size", |blob| Cell::Size(blob.size)),
        Column::new("THERE", "exists", |blob| Cell::Truth(blob.there)),
    ],
    sentence: Some(|blob| {
        let what = if blob.there { "is there" } else { "would be sent" };
        format!("{} {what}, {}", blob.digest, size(blob.size))
    }),
};

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let form = Form::chosen(args.output, Form::Text);
    let client = Arc::new(args.connection.client()?);
    let place = Place { service: args.service_name.clone(), label: args.label.clone() };
    // Make the server's later checks before the push.
    place.check()?;
    let is_there = service::is_there(&client, &args.service_name).await?;
    if !is_there && !args.creation.wanted() {
        anyhow::bail!(
            "the container service {:?} does not exist; --create-service makes it on the way",
            args.service_name
        );
    }
    let progress = if args.quiet { Progress::silent() } else { Progress::shown() };
    let platforms = args.platform.clone().map_or(Platforms::All, Platforms::Only);
    let image = Source::parse(&args.image).open(platforms, &progress).await?;
    image.note().iter().for_each(|note| progress.say(note));
    if let Some(platform) = image.is_for_others_than(&Platform::of_services()) {
        progress.say(format_args!(
            "Warning: this image is for {platform}, and container services run linux/amd64."
        ));
    }
    let jobs = usize::from(args.jobs);
    if args.dry_run {
        // Without the service the server makes no login, and has no part of the image.
        let registry = if is_there { Some(connect(&client).await?) } else { None };
        if !is_there {
            progress.say(format_args!("Would create the container service {}.", args.service_name));
        }
        let (digest, blobs) = push::plan(image, registry.as_ref(), jobs, &progress).await?;
        return tell_plan(form, digest, &blobs);
    }
    if !is_there {
        service::create(&client, &args.service_name, &args.creation).await?;
        progress.say(format_args!("Created the container service {}.", args.service_name));
    }
    let Registered { image, digest, took, registry } = place.push(&client, image, jobs, &progress).await?;
    let sent = progress.sent();
    if args.quiet {
        output::text(&format!("{image}\n"))?;
    } else if form == Form::Json {
        output::print(&json!({ "image": image, "digest": digest.to_string(), "bytesSent": sent }))?;
    } else {
        let (sent, host) = (output::sent(sent, took), registry);
        let pulled = image.trim_start_matches(':').replacen('.', ":", 1);
        // The login of this push pulls nothing, so the name alone would lead to a refusal.
        let login = format!("gangplank login --service-name {}", args.service_name);
        output::text(&format!(
            "Pushed {digest}, {sent}.\nRegistered as {image}\nPull it as {host}/{pulled}, with a login from `{login}`.\n"
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn jobs(text: &str) -> std::result::Result<u8, String> {
    let jobs = whole_number::read(text)?;
    if (1..=32).contains(&jobs) { Ok(jobs) } else { Err("it is a number from 1 to 32".to_owned()) }
}

fn tell_plan(form: Form, digest: Digest, blobs: &[Planned]) -> Result<ExitCode> {
    let to_send: u64 = blobs.iter().filter(|blob| !blob.there).map(|blob| blob.size).sum();
    let summary = format!("Would push {digest}, {} to send.\n", size(to_send));
    match form {
        Form::Json => {
            let blobs = BLOBS.json(blobs);
            output::print(&json!({ "digest": digest, "blobs": blobs, "bytesToSend": to_send }))?;
        }
        Form::Table => output::text_in_colour(&format!("{}{summary}", BLOBS.table(blobs)))?,
        Form::Text => output::text(&format!("{}{summary}", BLOBS.lines(blobs)))?,
    }
    Ok(ExitCode::SUCCESS)
}
