//! `gangplank fsck`: checks a data directory, or a database and a bucket, with or without running servers.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use gangplank_server::data_dir::DataDir;
use gangplank_server::fsck::{self, Finding, Look, Report};
use gangplank_store::open::Mode;
use serde_json::json;

use crate::aws::connection::{check_data_dir, usual_data_dir};
use crate::bucket::BucketArgs;
use crate::serving::shared_store::SharedArgs;
use crate::terminal::bar::Bar;
use crate::terminal::listing::{Cell, Column, Form, Listing};
use crate::terminal::output::{counted, print, size, text, text_in_colour};

/// The exit status if something was found and not all of it was repaired.
const FOUND: u8 = 2;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data directory [default: gangplank-data, if it is there]
    #[arg(long, env = "GANGPLANK_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Repair what can be repaired without losing intact content; no server may use a data directory meanwhile
    #[arg(long)]
    repair: bool,
    /// Read all content back from a bucket that servers share, and compare it with its digest; otherwise its size is
    /// compared with the bucket's listing. Content of a data directory is always read
    #[arg(long)]
    read: bool,
    /// How the report is shown [default: table on a terminal, text elsewhere]
    #[arg(long, value_name = "FORM")]
    output: Option<Form>,
    #[command(flatten)]
    shared: SharedArgs,
    #[command(flatten)]
    bucket: BucketArgs,
}

const FINDINGS: Listing<Finding> = Listing {
    name: "findings",
    empty: "",
    columns: &[
        Column::new("KIND", "kind", |finding| Cell::words(finding.kind)),
        Column::new("WHAT", "what", |finding| Cell::words(&finding.what)),
        Column::new("IMAGES", "images", |finding| Cell::Several(finding.images.clone())),
        Column::new("DONE", "done", |finding| finding.done.map_or(Cell::Null, Cell::words)),
        Column::new("MENDED", "repaired", |finding| Cell::Truth(finding.repaired)),
    ],
    sentence: Some(|finding| {
        let done = finding.done.map(|done| format!("; {done}")).unwrap_or_default();
        let images = match finding.images.as_slice() {
            [] => String::new(),
            images => format!("; it is in {}", images.join(", ")),
        };
        format!("{}: {}{images}{done}", finding.kind, finding.what)
    }),
};

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let bar = Bar::shown();
    let progress = |done, total| bar.tell(done, total);
    let mode = if args.repair { Mode::Offline } else { Mode::Read };
    let shared = args.shared.store(&args.bucket, mode)?;
    let is_shared = shared.is_some();
    let report = match shared {
        Some(store) => {
            let look = if args.read { Look::Read } else { Look::Sizes };
            if args.repair {
                fsck::repair_shared(store, look, progress).await
            } else {
                fsck::check_shared(store, look, progress).await
            }
        }
        None => {
            let data_dir = args
                .data_dir
                .or_else(usual_data_dir)
                .context("no data directory is named: give --data-dir, or set GANGPLANK_DATA_DIR")?;
            check_data_dir(&data_dir)?;
            if args.repair {
                fsck::repair(&DataDir::take(&data_dir)?, args.bucket.bucket()?, progress).await
            } else {
                fsck::check(&data_dir, args.bucket.bucket()?, progress).await
            }
        }
    };
    bar.end();
    let report = report?;
    let task = match (args.repair, is_shared) {
        (true, _) => Task::Repair,
        (false, true) => Task::LookBeside,
        (false, false) => Task::Look,
    };
    match Form::chosen(args.output, Form::Text) {
        Form::Table if report.findings.is_empty() => text(&summary(&report, task))?,
        Form::Table => {
            text_in_colour(&format!("{}{}", FINDINGS.table(&report.findings), summary(&report, task)))?;
        }
        Form::Text => {
            text(&format!("{}{}", FINDINGS.lines(&report.findings), summary(&report, task)))?;
        }
        Form::Json => print(&shown(&report))?,
    }
    Ok(if report.is_well() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

/// The task that the command got.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    Look,
    /// Like `Look`, in a store whose servers need not stop for a repair.
    LookBeside,
    Repair,
}

fn summary(report: &Report, task: Task) -> String {
    let (all, left) =
        (report.findings.len(), report.findings.iter().filter(|finding| !finding.repaired).count());
    let mut lines = vec![format!("checked {} ({})", counted(report.contents, "content"), size(report.bytes))];
    lines.push(match (all, left) {
        (0, _) => "; all is well\n".to_owned(),
        (1, 0) => "; one thing was not as it should be, and is now\n".to_owned(),
        (all, 0) => format!("; {all} things were not as they should be, and are now\n"),
        (_, 1) => "; one thing is not as it should be\n".to_owned(),
        (_, left) => format!("; {left} things are not as they should be\n"),
    });
    if task == Task::LookBeside && report.findings.iter().any(|finding| finding.done.is_none()) {
        lines.push("Add --repair, which repairs what it can; the servers may go on.\n".to_owned());
    }
    if task == Task::Look && report.findings.iter().any(|finding| finding.done.is_none()) {
        lines.push("Stop the server and add --repair, which repairs what it can.\n".to_owned());
    }
    if report.waits_for_a_push() {
        let why = "The exit status is 2 until what is marked has been pushed again.\n";
        lines.push(why.to_owned());
    }
    if task == Task::Repair && report.findings.iter().any(|finding| finding.done.is_none()) {
        let why = "What is left cannot be set right from here, so the exit status is 2: restore it from a backup, or \
                   push it again.\n";
        lines.push(why.to_owned());
    }
    lines.concat()
}

fn shown(report: &Report) -> serde_json::Value {
    json!({
        "contents": report.contents,
        "bytes": report.bytes,
        "findings": FINDINGS.json(&report.findings),
        "ok": report.is_well(),
    })
}
