//! `gangplank fsck`: checks a data directory, beside its server or without.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use gangplank_server::data_dir::DataDir;
use gangplank_server::fsck::{self, Report};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::connection::check_data_dir;
use crate::output::{Form, print, size, text};

/// Something was found, and not all of it could be set right.
const FOUND: u8 = 2;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The exit status is 0 if all is well, or well again; 1 if it could not be checked; 2 if \
                        something is left that is not as it should be, or the command line is wrong."
)]
pub(crate) struct Args {
    /// The data directory
    #[arg(long, env = "GANGPLANK_DATA_DIR", value_name = "DIR", default_value = "gangplank-data")]
    data_dir: PathBuf,
    /// Set right what can be set right without losing what is whole; no server may use the directory
    #[arg(long)]
    repair: bool,
    /// How it is told
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    output: Form,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    check_data_dir(&args.data_dir)?;
    let bar = bar();
    let progress = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let report = if args.repair {
        fsck::repair(&DataDir::take(&args.data_dir)?, progress).await
    } else {
        fsck::check(&args.data_dir, progress).await
    };
    bar.finish_and_clear();
    let report = report?;
    match args.output {
        Form::Text => text(&words(&report, args.repair))?,
        Form::Json => print(&shown(&report))?,
    }
    Ok(if report.is_well() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

/// A bar on a terminal, nothing elsewhere.
fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {eta} to go");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn words(report: &Report, repair: bool) -> String {
    let mut lines: Vec<String> = Vec::new();
    for finding in &report.findings {
        let done = finding.done.map(|done| format!("; {done}")).unwrap_or_default();
        let images = match finding.images.as_slice() {
            [] => String::new(),
            images => format!("; it is in {}", images.join(", ")),
        };
        lines.push(format!("{}: {}{images}{done}\n", finding.kind, finding.what));
    }
    let (all, left) =
        (report.findings.len(), report.findings.iter().filter(|finding| !finding.repaired).count());
    lines.push(format!("checked {} contents ({})", report.contents, size(report.bytes)));
    lines.push(match (all, left) {
        (0, _) => "; all is well\n".to_owned(),
        (1, 0) => "; one thing was not as it should be, and is now\n".to_owned(),
        (all, 0) => format!("; {all} things were not as they should be, and are now\n"),
        (_, 1) => "; one thing is not as it should be\n".to_owned(),
        (_, left) => format!("; {left} things are not as they should be\n"),
    });
    if !repair && report.findings.iter().any(|finding| finding.done.is_none()) {
        lines.push("Stop the server and add --repair to set right what can be.\n".to_owned());
    }
    if report.waits_for_a_push() {
        let why = "The exit status is 2 until what is marked has been pushed again.\n";
        lines.push(why.to_owned());
    }
    if repair && report.findings.iter().any(|finding| finding.done.is_none()) {
        let why = "What is left cannot be set right from here, so the exit status is 2: restore it from a backup, or \
                   push it again.\n";
        lines.push(why.to_owned());
    }
    lines.concat()
}

fn shown(report: &Report) -> serde_json::Value {
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "kind": finding.kind,
                "what": finding.what,
                "images": finding.images,
                "done": finding.done,
                "repaired": finding.repaired,
            })
        })
        .collect();
    json!({
        "contents": report.contents,
        "bytes": report.bytes,
        "findings": findings,
        "ok": report.is_well(),
    })
}
