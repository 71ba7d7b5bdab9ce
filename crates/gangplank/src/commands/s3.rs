//! `gangplank s3 check`: finds out whether a bucket can keep a server's blobs.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use gangplank_s3::probe::{Report, Verdict, probe};
use gangplank_s3::{Client, Location, Style};
use serde_json::json;

use crate::bucket::{self, BucketArgs};
use crate::terminal::listing::Form;
use crate::terminal::output::{print, say};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check whether a bucket can store blobs, and which features of S3 its server has
    ///
    /// Puts a few objects under PREFIX/probe/, reads, joins, lists and removes them. The bucket must exist. A server does
    /// the same when it starts.
    Check(Check),
}

#[derive(Debug, clap::Args)]
struct Check {
    /// The bucket, and a prefix for all keys in it [default: the one of --blobs]
    #[arg(value_name = "s3://BUCKET/PREFIX", value_parser = bucket::location)]
    location: Option<String>,
    #[command(flatten)]
    bucket: BucketArgs,
    /// How the result is shown [default: text]
    #[arg(long, value_name = "FORM")]
    output: Option<Form>,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let Action::Check(args) = args.action;
    let location = args.location.or_else(|| args.bucket.blobs.clone());
    let location = location.context("no bucket is named: write gangplank s3 check s3://BUCKET/PREFIX")?;
    let location: Location = location.parse()?;
    let client = Client::new(args.bucket.options().settings(&location)?)?;
    let report = probe(&client, &location).await;
    if args.output == Some(Form::Json) {
        print(&as_json(&client, &location, &report))?;
    } else {
        show(&client, &location, &report);
    }
    Ok(if report.is_usable() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Works => "works",
        Verdict::Missing => "missing",
        Verdict::Broken => "broken",
    }
}

fn style(client: &Client) -> &'static str {
    match client.style() {
        Style::Path => "path",
        Style::VirtualHost => "host",
    }
}

fn show(client: &Client, location: &Location, report: &Report) {
    let (endpoint, style) = (client.endpoint().url(), style(client));
    say(format_args!("{location} at {endpoint}, with the bucket in the {style}"));
    if let Some(from) = client.credentials_from() {
        say(format_args!("credentials: {from}"));
    }
    for check in &report.checks {
        let detail = if check.detail.is_empty() { String::new() } else { format!(": {}", check.detail) };
        say(format_args!("{:<8} {}{detail}", word(check.verdict), check.what));
    }
    if let Some(ahead) = report.clock_ahead {
        let which = if ahead < 0 { "behind" } else { "ahead of" };
        say(format_args!("clock    the server's is {} s {which} this machine's", ahead.abs()));
    }
    let used = if report.abilities.crc64 { "CRC-64/NVME" } else { "a signed SHA-256" };
    say(if report.is_usable() {
        format!("The bucket can keep blobs. Parts of uploads are guarded by {used}.")
    } else {
        "The bucket cannot keep blobs.".to_owned()
    });
}

fn as_json(client: &Client, location: &Location, report: &Report) -> serde_json::Value {
    let checks = report
        .checks
        .iter()
        .map(|check| json!({ "what": check.what, "verdict": word(check.verdict), "detail": check.detail }));
    json!({
        "bucket": location.bucket,
        "prefix": location.prefix,
        "endpoint": client.endpoint().url(),
        "style": style(client),
        "credentials": client.credentials_from(),
        "usable": report.is_usable(),
        "clockAhead": report.clock_ahead,
        "abilities": {
            "crc64": report.abilities.crc64,
            "completeIfNoneMatch": report.abilities.only_new,
            "deleteObjects": report.abilities.delete_many,
            "listMultipartUploads": report.abilities.lists_uploads,
        },
        "checks": checks.collect::<Vec<_>>(),
    })
}
