//! `gangplank gc`: collects garbage now, on a running server or in the data directory of a stopped one.

use std::process::ExitCode;

use anyhow::Result;
use gangplank_api::gangplank::{CollectGarbageRequest, CollectGarbageResult, Garbage, GarbageKind};
use gangplank_core::lease::SAFE_GRACE;
use gangplank_server::collect_in;
use gangplank_server::data_dir::DataDir;
use serde_json::{Value, json};

use crate::connection::{Connection, check_data_dir};
use crate::length_of_time::LengthOfTime;
use crate::output::{Form, print, size, text, warn};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: Connection,
    /// Say what would be removed, and why, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Keep what a client was last told of this long ago, such as 24h [default: what the
    /// server was told when it was last started]
    #[arg(long, value_name = "TIME")]
    grace: Option<LengthOfTime>,
    /// How it is told
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    output: Form,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    if args.grace.is_some_and(|grace| grace.0 < SAFE_GRACE) && !args.dry_run {
        warn(format_args!(
            "logins live for {} hours; a push that is under way and relies on what is collected now will be \
             refused and has to be repeated",
            SAFE_GRACE.as_secs() / 3600
        ));
    }
    let request = CollectGarbageRequest {
        dry_run: Some(args.dry_run),
        grace_seconds: args.grace.map(|grace| i32::try_from(grace.0.as_secs()).unwrap_or(i32::MAX)),
    };
    let result = match unused(&args.connection)? {
        Some(data_dir) => collect_in(&data_dir, &request).await?,
        None => args.connection.patient_client()?.call(&request).await?,
    };
    match args.output {
        Form::Json => print(&shown(&result))?,
        Form::Text => text(&words(&result))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The data directory, if one is named that no server uses.
fn unused(connection: &Connection) -> Result<Option<DataDir>> {
    let Some(path) = &connection.data_dir else { return Ok(None) };
    check_data_dir(path)?;
    DataDir::try_take(path)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was a whole number")]
fn whole(number: f64) -> u64 {
    number as u64
}

fn shown(result: &CollectGarbageResult) -> Value {
    let mut shown = json!({
        "dryRun": result.dry_run,
        "manifests": result.manifests,
        "blobs": result.blobs,
        "contents": result.contents,
        "freedBytes": whole(result.freed_bytes),
    });
    if let Some(garbage) = &result.garbage {
        shown["garbage"] = garbage
            .iter()
            .map(|garbage| {
                json!({
                    "kind": garbage.kind.as_str(),
                    "account": garbage.account,
                    "region": garbage.region,
                    "repository": garbage.repository,
                    "digest": garbage.digest,
                    "size": whole(garbage.size),
                    "unusedSeconds": whole(garbage.unused_seconds),
                    "reason": garbage.reason,
                })
            })
            .collect();
    }
    shown
}

fn words(result: &CollectGarbageResult) -> String {
    let lines: String = result.garbage.iter().flatten().map(line).collect();
    let listed = result.garbage.as_ref().map_or(0, Vec::len);
    let all = usize::try_from(result.manifests + result.blobs).unwrap_or(usize::MAX);
    let more =
        if result.dry_run && listed < all { format!("and {} more\n", all - listed) } else { String::new() };
    let (done, freed) =
        if result.dry_run { ("would collect", "would be freed") } else { ("collected", "freed") };
    let bytes = size(whole(result.freed_bytes));
    format!(
        "{lines}{more}{done} {} manifests and {} blobs; {bytes} {freed}\n",
        result.manifests, result.blobs
    )
}

fn line(garbage: &Garbage) -> String {
    let kind = match garbage.kind {
        GarbageKind::Manifest => "manifest",
        GarbageKind::Blob => "blob",
    };
    format!(
        "{kind} {} ({}) in {} of account {} in {}: {}; unused for {}\n",
        garbage.digest,
        size(whole(garbage.size)),
        garbage.repository,
        garbage.account,
        garbage.region,
        garbage.reason,
        duration(whole(garbage.unused_seconds)),
    )
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}
