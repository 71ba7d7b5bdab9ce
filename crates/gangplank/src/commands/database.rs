//! `gangplank database restored`: lets a database that was restored from an older state use its bucket again.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use gangplank_server::data_dir::DataDir;
use gangplank_store::metadata::lineage::IMAGE_NUMBERS_LEFT_OUT;
use gangplank_store::open::{Location, Mode, StoreConfig, restored};

use crate::aws::connection::check_data_dir;
use crate::bucket::BucketArgs;
use crate::serving::options::DatabaseUrl;
use crate::terminal::output::{counted, done, warn};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Let a database that was set back use its bucket again
    ///
    /// Run this after the database was restored from a backup or to a point in time, and after a standby took over that
    /// may have missed the last commits. Until then, servers remove no bytes. Numbers of images and deployments
    /// continue 1,000 higher, so that none is given twice. If another database uses the same bucket, its
    /// servers are refused from now on. A server may run meanwhile if its database is PostgreSQL.
    Restored(Box<RestoredArgs>),
}

#[derive(Debug, clap::Args)]
struct RestoredArgs {
    /// PostgreSQL database that was restored
    #[arg(
        long,
        env = "GANGPLANK_DATABASE",
        value_name = "postgres://USER:PASSWORD@HOST/NAME",
        hide_env_values = true
    )]
    database: Option<DatabaseUrl>,
    /// The data directory whose database was restored, in place of --database; no server may use it
    #[arg(long, env = "GANGPLANK_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    bucket: BucketArgs,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let Action::Restored(args) = args.action;
    let bucket = args.bucket.bucket()?;
    let bucket =
        bucket.context("no bucket is named: give --blobs s3://BUCKET/PREFIX, as the server is told")?;
    let (rows, _directory) = match (&args.database, &args.data_dir) {
        (Some(database), _) => {
            let location = Location::Shared { database: database.target()? };
            (StoreConfig::new(location, Mode::Offline).rows().await?, None)
        }
        (None, Some(path)) => {
            check_data_dir(path)?;
            let directory = DataDir::take(path)?;
            (directory.store(Mode::Offline).rows().await?, Some(directory))
        }
        (None, None) => bail!("no database is named: give --database, or --data-dir"),
    };
    let services = restored(rows.metadata.as_ref(), &bucket).await?;
    done(format_args!(
        "the database goes on with {}: {} left out {IMAGE_NUMBERS_LEFT_OUT} numbers for images and deployments, and \
         removals go on",
        bucket.location,
        counted(services, "service")
    ));
    warn(format_args!(
        "access keys, roles and logins that were taken away after the state that was restored work again: look at \
         `gangplank access-key list`, and take them away once more"
    ));
    Ok(ExitCode::SUCCESS)
}
