//! The store of servers that share a database, for commands that open it themselves.

use anyhow::{Context as _, Result, bail};
use gangplank_store::metadata::Target;
use gangplank_store::open::{Location, Mode, StoreConfig};

use super::options::DatabaseUrl;
use crate::bucket::BucketArgs;
use crate::cli::usage::named;

/// Options that name another place than a shared database.
const OTHERS: [&str; 3] = ["data-dir", "endpoint-url", "profile"];

/// The database as an option of a command. All commands but `serve` have it from here.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct SharedArgs {
    /// PostgreSQL database of servers that share it
    #[arg(
        long,
        env = "GANGPLANK_DATABASE",
        value_name = "postgres://USER:PASSWORD@HOST/NAME",
        hide_env_values = true
    )]
    database: Option<DatabaseUrl>,
}

impl SharedArgs {
    /// The database. `None` if none is named, or the command line names another place than the variable.
    ///
    /// # Errors
    /// If two places are named, or if the URL has a mistake.
    pub(crate) fn target(&self) -> Result<Option<Target>> {
        let Some(database) = &self.database else { return Ok(None) };
        let other = OTHERS.into_iter().map(named).find(|name| name.starts_with("--"));
        match (named("database").starts_with("--"), other) {
            (true, Some(other)) => bail!("--database and {other} name two places: leave one of them out"),
            (false, Some(_)) => Ok(None),
            (_, None) => database.target().map(Some),
        }
    }

    /// The rows and bytes of the database and its bucket.
    ///
    /// # Errors
    /// As [`target`](Self::target), and if no bucket is named.
    pub(crate) fn store(&self, bucket: &BucketArgs, mode: Mode) -> Result<Option<StoreConfig>> {
        let Some(database) = self.target()? else { return Ok(None) };
        let bucket = bucket.bucket()?.with_context(|| {
            format!(
                "{} needs its bucket, too: give --blobs s3://BUCKET/PREFIX, as the servers are told",
                named("database")
            )
        })?;
        Ok(Some(StoreConfig::shared(database, bucket, mode)))
    }

    /// The rows alone.
    ///
    /// # Errors
    /// As [`target`](Self::target).
    pub(crate) fn rows(&self, mode: Mode) -> Result<Option<StoreConfig>> {
        let store = |database| StoreConfig::new(Location::Shared { database }, mode);
        Ok(self.target()?.map(store))
    }
}
