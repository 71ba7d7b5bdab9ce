//! `gangplank migrate`: moves a store from a data directory to a database and a bucket, or back.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use gangplank_server::MasterKey;
use gangplank_server::migration::{self, Estimate, Extent, Key, Moved, Shared};

use crate::aws::connection::check_data_dir;
use crate::bucket::BucketArgs;
use crate::cli::words;
use crate::serving::options::database::MASTER_KEY;
use crate::serving::shared_store::SharedArgs;
use crate::terminal::bar::Bar;
use crate::terminal::output::{counted, done, size, warn};

/// The exit status if everything has moved except for content that was already damaged.
const DAMAGED: u8 = 2;

/// How many bytes and rows a migration copies in a second, for the estimate. One disk and one database manage
/// at least this.
const BYTES_A_SECOND: u64 = 50_000_000;
const ROWS_A_SECOND: u64 = 5_000;

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("direction").required(true).args(["from", "to"]))]
pub(crate) struct Args {
    /// Move this data directory to the database and the bucket
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Move the database and the bucket to this data directory, which does not exist or is empty
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Copy only bytes, also while servers run; a later run without this option then takes less time
    #[arg(long)]
    content_only: bool,
    /// Count what would be copied, and estimate the time; copy and write nothing
    #[arg(long, conflicts_with = "content_only")]
    dry_run: bool,
    #[command(flatten)]
    database: SharedArgs,
    /// File of the master key [default: the key in `GANGPLANK_MASTER_KEY`; else, with --from, the directory's]
    #[arg(long, env = "GANGPLANK_MASTER_KEY_FILE", value_name = "FILE")]
    master_key_file: Option<PathBuf>,
    #[command(flatten)]
    bucket: BucketArgs,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let shared = args.shared()?;
    let direction = args.direction()?;
    if let Direction::From(dir) = direction {
        check_data_dir(dir)?;
    }
    let key = args.key(direction)?;
    if args.dry_run {
        return tell_estimate(&match direction {
            Direction::From(dir) => migration::of_directory(dir, &shared, &key).await?,
            Direction::To(dir) => migration::of_shared(dir, &shared, &key).await?,
        });
    }
    let extent = if args.content_only { Extent::Content } else { Extent::Everything };
    let bar = Bar::shown();
    let progress = |done, total| bar.tell(done, total);
    let moved = match direction {
        Direction::From(dir) => migration::from_directory(dir, &shared, &key, extent, progress).await,
        Direction::To(dir) => migration::to_directory(dir, &shared, &key, extent, progress).await,
    };
    bar.end();
    let moved = moved?;
    done(told(&moved));
    done(format_args!("next: {}", args.next(direction, &moved)));
    for content in &moved.damaged {
        warn(format_args!("its bytes are broken or missing, and the next push brings them back: {content}"));
    }
    Ok(if moved.damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DAMAGED) })
}

/// The direction of the migration: from a data directory, or to one.
#[derive(Clone, Copy)]
enum Direction<'a> {
    From(&'a Path),
    To(&'a Path),
}

impl Args {
    fn direction(&self) -> Result<Direction<'_>> {
        match (&self.from, &self.to) {
            (Some(dir), None) => Ok(Direction::From(dir)),
            (None, Some(dir)) => Ok(Direction::To(dir)),
            _ => bail!("say --from DIR or --to DIR"),
        }
    }

    fn shared(&self) -> Result<Shared> {
        let database = self.database.target()?.context(
            "name the database with --database postgres://USER:PASSWORD@HOST/NAME, or set GANGPLANK_DATABASE",
        )?;
        let bucket = self.bucket.bucket()?;
        let bucket =
            bucket.context("name the bucket with --blobs s3://BUCKET/PREFIX, or set GANGPLANK_BLOBS")?;
        let place = format!("the database {database} and the bucket {}", bucket.location);
        Ok(Shared { database, bucket, place })
    }

    /// The master key. If the key is in no file, the new directory keeps it.
    fn key(&self, direction: Direction<'_>) -> Result<Key> {
        let new = match direction {
            Direction::To(dir) => Some(dir),
            Direction::From(_) => None,
        };
        match (std::env::var(MASTER_KEY).ok(), &self.master_key_file) {
            (Some(_), Some(_)) => {
                bail!("{MASTER_KEY} and --master-key-file are both set: leave out one of them")
            }
            (Some(text), None) => {
                let master = MasterKey::read(text.as_bytes());
                let master = master.with_context(|| format!("{MASTER_KEY} is 64 hexadecimal digits"))?;
                Ok(if new.is_some() {
                    Key::ToKeep(master, format!("{}\n", text.trim()).into_bytes())
                } else {
                    Key::Given(master)
                })
            }
            (None, Some(file)) => {
                let is_inside = new.is_some_and(|new| file.starts_with(new));
                ensure!(!is_inside, "{} is in the directory that is to be made", file.display());
                Ok(Key::Given(MasterKey::in_file(file)?))
            }
            (None, None) => Ok(Key::OfDirectory),
        }
    }

    /// The operator's next step after this run.
    fn next(&self, direction: Direction<'_>, moved: &Moved) -> String {
        if self.content_only {
            return "stop the servers, and run the same command without --content-only".to_owned();
        }
        let quoted = |path: &Path| words::quoted(&path.display().to_string());
        let file = self.master_key_file.as_deref().map(|file| format!(" --master-key-file {}", quoted(file)));
        match direction {
            Direction::From(dir) => {
                let is_given = std::env::var_os(MASTER_KEY).is_some();
                let key = file.unwrap_or_else(|| {
                    let own = quoted(&dir.join("master.key"));
                    if is_given { String::new() } else { format!(" --master-key-file {own}") }
                });
                let verb = if moved.was_done { "serve" } else { "start the servers with" };
                format!(
                    "{verb} the same --database and --blobs, --public-address{key}; keep {} until you are content",
                    quoted(dir)
                )
            }
            Direction::To(dir) => {
                format!("gangplank serve --data-dir {}{}", quoted(dir), file.unwrap_or_default())
            }
        }
    }
}

fn told(moved: &Moved) -> String {
    let content = format!("{} ({})", counted(moved.contents, "content"), size(moved.bytes));
    if moved.was_done {
        return format!("everything had been moved before: {content}");
    }
    let copied = format!("of which {} ({}) copied now", moved.copied, size(moved.copied_bytes));
    let removed = match moved.removed {
        0 => String::new(),
        removed => format!("; {} removed that was deleted since it was copied", counted(removed, "content")),
    };
    match moved.rows {
        Some(rows) => format!("moved {} and {content}, {copied}{removed}", counted(rows, "row")),
        None => format!("there are {content} at the new place, {copied}"),
    }
}

fn tell_estimate(estimate: &Estimate) -> Result<ExitCode> {
    let Estimate { contents, bytes, missing, missing_bytes, rows } = *estimate;
    let minutes = (missing_bytes / BYTES_A_SECOND).max(missing / 50) / 60 + 1;
    let still = (rows / ROWS_A_SECOND) / 60 + 1;
    crate::terminal::output::text(&format!(
        "would move {} and {} ({}), of which {missing} ({}) are not at the new place yet\n\
         Copying the content takes about {} at {} a second, also beside running servers with --content-only. Copying the \
         rows takes about {}, with all servers stopped.\n",
        counted(rows, "row"),
        counted(contents, "content"),
        size(bytes),
        size(missing_bytes),
        counted(minutes, "minute"),
        size(BYTES_A_SECOND),
        counted(still, "minute"),
    ))?;
    Ok(ExitCode::SUCCESS)
}
