//! `gangplank gc`: collects garbage now: on a running server, in the data directory of a stopped one, or in a database
//! that servers share.

#[cfg(unix)]
mod offline;

use std::process::ExitCode;

use anyhow::Result;
use gangplank_api::gangplank::{CollectGarbageRequest, CollectGarbageResult, Garbage, GarbageKind};
use gangplank_core::lease::SAFE_GRACE;
use serde_json::{Value, json};

use crate::aws::connection::Connection;
#[cfg(unix)]
use crate::bucket::BucketArgs;
#[cfg(unix)]
use crate::serving::shared_store::SharedArgs;
use crate::terminal::listing::{Cell, Column, Form, Listing};
use crate::terminal::output::{counted, print, size, text, text_in_colour, warn};
use crate::values::duration::{self, LengthOfTime};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// List what would be removed, and why; remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Keep content for this long after a client was last told that it is there, such as 24h [default: the grace
    /// period of the server's last start]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    grace: Option<LengthOfTime>,
    /// How the result is shown [default: table on a terminal, text elsewhere]
    #[arg(long, value_name = "FORM")]
    output: Option<Form>,
    #[command(flatten)]
    connection: Connection,
    #[cfg(unix)]
    #[command(flatten)]
    shared: SharedArgs,
    #[cfg(unix)]
    #[command(flatten)]
    bucket: BucketArgs,
}

const GARBAGE: Listing<Garbage> = Listing {
    name: "garbage",
    empty: "",
    columns: &[
        Column::new("KIND", "kind", |garbage| Cell::words(garbage.kind.as_str())),
        Column::new("ACCOUNT", "account", |garbage| Cell::words(&garbage.account)),
        Column::new("REGION", "region", |garbage| Cell::words(&garbage.region)),
        Column::new("REPOSITORY", "repository", |garbage| Cell::words(&garbage.repository)),
        Column::new("DIGEST", "digest", |garbage| Cell::words(&garbage.digest)),
        Column::new("SIZE", "size", |garbage| Cell::Size(whole(garbage.size))),
        Column::new("UNUSED", "unusedSeconds", |garbage| Cell::Length(whole(garbage.unused_seconds))),
        Column::new("REASON", "reason", |garbage| Cell::words(&garbage.reason)),
    ],
    sentence: Some(sentence),
};

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
    #[cfg(unix)]
    let offline = offline::collect(&args.connection, &args.shared, &args.bucket, &request).await?;
    #[cfg(not(unix))]
    let offline = None;
    let result = match offline {
        Some(result) => result,
        None => args.connection.patient_client()?.call(&request).await?,
    };
    let garbage = result.garbage.as_deref().unwrap_or_default();
    match Form::chosen(args.output, Form::Text) {
        Form::Json => print(&shown(&result))?,
        Form::Table if !garbage.is_empty() => {
            text_in_colour(&format!("{}{}", GARBAGE.table(garbage), summary(&result)))?;
        }
        Form::Text | Form::Table => text(&format!("{}{}", GARBAGE.lines(garbage), summary(&result)))?,
    }
    Ok(ExitCode::SUCCESS)
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
    if let Some(window) = result.restore_window_seconds {
        shown["restoreWindowSeconds"] = whole(window).into();
    }
    if let Some(garbage) = &result.garbage {
        shown["garbage"] = GARBAGE.json(garbage);
    }
    shown
}

fn summary(result: &CollectGarbageResult) -> String {
    let listed = result.garbage.as_ref().map_or(0, Vec::len);
    let all = usize::try_from(result.manifests + result.blobs).unwrap_or(usize::MAX);
    let more =
        if result.dry_run && listed < all { format!("and {} more\n", all - listed) } else { String::new() };
    let (done, freed) =
        if result.dry_run { ("would collect", "would be freed") } else { ("collected", "freed") };
    let bytes = size(whole(result.freed_bytes));
    let freed = match result.restore_window_seconds.map(whole) {
        None => freed.to_owned(),
        Some(window) => {
            let when = if window == 0 { "now".to_owned() } else { format!("in {}", duration::shown(window)) };
            format!("leave the bucket {when}, except for versions that it keeps")
        }
    };
    let counted = |number: i32, thing| counted(u64::try_from(number).unwrap_or_default(), thing);
    format!(
        "{more}{done} {} and {}; {bytes} {freed}\n",
        counted(result.manifests, "manifest"),
        counted(result.blobs, "blob")
    )
}

fn sentence(garbage: &Garbage) -> String {
    let kind = match garbage.kind {
        GarbageKind::Manifest => "manifest",
        GarbageKind::Blob => "blob",
    };
    format!(
        "{kind} {} ({}) in {} of account {} in {}: {}; unused for {}",
        garbage.digest,
        size(whole(garbage.size)),
        garbage.repository,
        garbage.account,
        garbage.region,
        garbage.reason,
        duration::shown(whole(garbage.unused_seconds)),
    )
}
