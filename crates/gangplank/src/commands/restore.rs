//! `gangplank restore`: makes a data directory from a backup.

use std::io::{IsTerminal as _, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use gangplank_api::Timestamp;
use gangplank_server::backup::{self, KeyRestored, Restored};

use super::backup::{DAMAGED, STREAM};
use crate::cli::words;
use crate::terminal::bar::Bar;
use crate::terminal::output::{counted, done, size, timestamp, warn};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of the backup, or - for a tar stream on standard input
    #[arg(value_name = "DIR|-")]
    from: PathBuf,
    /// The data directory to make, which does not exist or is empty
    #[arg(long, env = "GANGPLANK_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// File of the master key, if the server keeps it apart [default: the backup's, in the data directory]
    #[arg(long, env = "GANGPLANK_MASTER_KEY_FILE", value_name = "FILE")]
    master_key_file: Option<PathBuf>,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let data_dir = args.data_dir.context("name the data directory to make with --data-dir")?;
    let key = args.master_key_file.as_deref();
    let bar = Bar::shown();
    let restored = if args.from == Path::new(STREAM) {
        if stdin().is_terminal() {
            bail!("a backup cannot be typed at a terminal: name a folder, or redirect one to standard input");
        }
        backup::from_stream(stdin().lock(), &data_dir, key, |done, all| bar.tell(done, all))
    } else {
        backup::from_folder(&args.from, &data_dir, key, |done, all| bar.tell(done, all))
    };
    bar.end();
    let restored = restored?;
    tell(&restored, &data_dir, key);
    Ok(if restored.damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DAMAGED) })
}

fn tell(restored: &Restored, data_dir: &Path, key: Option<&Path>) {
    let dir = words::quoted(&data_dir.display().to_string());
    done(format_args!(
        "restored {} ({}) as of {}; next: gangplank fsck --data-dir {dir}, then gangplank serve --data-dir {dir}{}",
        counted(restored.contents, "content"),
        size(restored.bytes),
        timestamp(Timestamp(restored.begun_at - restored.begun_at.rem_euclid(1_000))),
        key.map(|key| format!(" --master-key-file {}", words::quoted(&key.display().to_string())))
            .unwrap_or_default()
    ));
    match restored.key {
        KeyRestored::Inside | KeyRestored::Named => {
            if !restored.has_credentials {
                warn(format_args!(
                    "there is no enabled root key, so nobody can administer the server: `gangplank access-key create \
                     --data-dir {dir}` makes one before the start"
                ));
            }
        }
        KeyRestored::Needed => warn(format_args!(
            "the master key is not in the backup, and no server starts here without it: put it into {dir}/master.key \
             with mode 0600, or name its file with `serve --master-key-file`"
        )),
    }
    for content in &restored.damaged {
        warn(format_args!("the backup lacks the bytes of {content}; the next push brings them back"));
    }
}
