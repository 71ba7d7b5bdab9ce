//! `gangplank backup`: copies a data directory, with or without a running server.

use std::io::{IsTerminal as _, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use gangplank_server::backup::{self, KeyKept, Made, Wanted};

use crate::aws::connection::{check_data_dir, usual_data_dir};
use crate::terminal::bar::Bar;
use crate::terminal::output::{counted, done, size, warn};

/// The name that stands for standard output or standard input, in place of a folder.
pub(crate) const STREAM: &str = "-";
/// The exit status of a backup that is complete except for content that was already damaged.
pub(crate) const DAMAGED: u8 = 2;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder, which is made if it does not exist; or - for one tar stream on standard output
    #[arg(value_name = "DIR|-")]
    to: PathBuf,
    /// The data directory [default: gangplank-data, if it is there]
    #[arg(long, env = "GANGPLANK_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Leave out the master key, and keep it elsewhere: without it the access keys in the backup cannot be opened
    #[arg(long)]
    without_master_key: bool,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let data_dir = args
        .data_dir
        .or_else(usual_data_dir)
        .context("no data directory is named: give --data-dir, or set GANGPLANK_DATA_DIR")?;
    check_data_dir(&data_dir)?;
    let scratch = std::env::var_os("TMPDIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let wanted = Wanted { master_key: !args.without_master_key, scratch };
    let bar = Bar::shown();
    let made = if args.to == Path::new(STREAM) {
        if stdout().is_terminal() {
            bail!("a backup cannot be printed on a terminal: name a folder, or redirect standard output");
        }
        backup::to_stream(&data_dir, stdout().lock(), &wanted, |done, all| bar.tell(done, all))
    } else {
        backup::to_folder(&data_dir, &args.to, &wanted, |done, all| bar.tell(done, all))
    };
    bar.end();
    let made = made?;
    done(told(&made));
    match made.key {
        KeyKept::Inside => {}
        KeyKept::LeftOut => warn("the master key is not in the backup: keep a copy of master.key elsewhere"),
        KeyKept::Elsewhere => warn(
            "the master key is not in the backup, since it is not in the data directory: keep a copy of the file that \
             `gangplank serve --master-key-file` names",
        ),
    }
    for content in &made.damaged {
        warn(format_args!("not in the backup, since its bytes are broken or missing: {content}"));
    }
    if !made.damaged.is_empty() {
        warn("`gangplank fsck` says which images need them; push those again");
        return Ok(ExitCode::from(DAMAGED));
    }
    Ok(ExitCode::SUCCESS)
}

fn told(made: &Made) -> String {
    let removed = match made.removed {
        0 => String::new(),
        removed => format!("; {} removed that the backup no longer needs", counted(removed, "content")),
    };
    format!(
        "backed up {} ({}), of which {} ({}) copied now{removed}",
        counted(made.contents, "content"),
        size(made.bytes),
        made.copied,
        size(made.copied_bytes)
    )
}
