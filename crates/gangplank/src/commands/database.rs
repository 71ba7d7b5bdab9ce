//! `gangplank database`: lets a database that was restored from an older state use its bucket again, and changes the
//! tables of a database for a later release.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use gangplank_server::data_dir::DataDir;
use gangplank_store::metadata::lineage::IMAGE_NUMBERS_LEFT_OUT;
use gangplank_store::metadata::{Postgres, Upgraded};
use gangplank_store::open::{Mode, restored};

use crate::aws::connection::check_data_dir;
use crate::bucket::BucketArgs;
use crate::serving::shared_store::SharedArgs;
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
    /// Change the tables of a PostgreSQL database for this release
    ///
    /// Run this with the new program before you replace the first server. Servers of the release before go on
    /// meanwhile and afterwards, and those of earlier releases get no more requests. It changes nothing if the tables
    /// are those of this release. If it is interrupted, run it again. A server that is started with --migrate does the
    /// same. A data directory needs neither.
    Migrate(SharedArgs),
}

#[derive(Debug, clap::Args)]
struct RestoredArgs {
    #[command(flatten)]
    shared: SharedArgs,
    /// The data directory whose database was restored, in place of --database; no server may use it
    #[arg(long, env = "GANGPLANK_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    bucket: BucketArgs,
}

const NO_DATABASE: &str = "no database is named: give --database";

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    match args.action {
        Action::Restored(args) => let_go_on(&args).await,
        Action::Migrate(shared) => change_tables(&shared).await,
    }
}

async fn change_tables(shared: &SharedArgs) -> Result<ExitCode> {
    let database = shared.target()?.context(NO_DATABASE)?;
    let upgraded = Postgres::upgrade(&database).await?;
    let Upgraded { from, to, oldest } = upgraded.with_context(|| {
        format!("the database {database} has no tables of gangplank: is its name right? The first server makes them")
    })?;
    if from == to {
        done(format_args!("nothing to do: the database has schema {to}, which this program can use"));
    } else {
        done(format_args!(
            "the database had schema {from} and has schema {to} now, for programs of schema {oldest} and later; next: \
             replace the servers, one after the other"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn let_go_on(args: &RestoredArgs) -> Result<ExitCode> {
    let bucket = args.bucket.bucket()?;
    let bucket =
        bucket.context("no bucket is named: give --blobs s3://BUCKET/PREFIX, as the server is told")?;
    let (rows, _directory) = match (args.shared.rows(Mode::Offline)?, &args.data_dir) {
        (Some(store), _) => (store.rows().await?, None),
        (None, Some(path)) => {
            check_data_dir(path)?;
            let directory = DataDir::take(path)?;
            (directory.store(Mode::Offline).rows().await?, Some(directory))
        }
        (None, None) => bail!("{NO_DATABASE}, or --data-dir"),
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
