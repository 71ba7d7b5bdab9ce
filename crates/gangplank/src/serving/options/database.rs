//! The place of a server's store: a data directory, or a database and a bucket that servers share.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail, ensure};
use gangplank_server::{EngineChoice, MasterKey};
use gangplank_store::metadata::Target;
use gangplank_store::open::Location;
use serde::Deserialize;

use super::{DEFAULT_DATA_DIR, Engine, ServeOptions};
use crate::cli::usage::named;

/// The variable with the master key itself.
pub(crate) const MASTER_KEY: &str = "GANGPLANK_MASTER_KEY";

/// The URL of a database. It is not shown, because it may contain a password.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct DatabaseUrl(String);

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(***)")
    }
}

impl FromStr for DatabaseUrl {
    type Err = std::convert::Infallible;

    // A wrong URL is refused later, because a message about the command line would show the URL.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl DatabaseUrl {
    /// Reads the URL.
    ///
    /// # Errors
    /// If the URL has a mistake. The error names the mistake, and never shows the password.
    pub(crate) fn target(&self) -> Result<Target> {
        ensure!(
            ["postgres://", "postgresql://"].iter().any(|scheme| self.0.starts_with(scheme)),
            "{} is a URL such as postgres://USER:PASSWORD@HOST/NAME",
            named("database")
        );
        Target::parse(&self.0).with_context(|| named("database"))
    }
}

impl ServeOptions {
    /// The place of the store.
    ///
    /// # Errors
    /// If options contradict each other, or one that servers of a cluster need is missing.
    pub(super) fn location(&self) -> Result<Location> {
        let Some(database) = &self.database else {
            if std::env::var_os(MASTER_KEY).is_some() {
                tracing::warn!("{MASTER_KEY} does nothing without --database; --master-key-file names a key");
            }
            if self.migrate == Some(true) {
                tracing::warn!("{} does nothing without --database", named("migrate"));
            }
            let dir = self.data_dir.clone().unwrap_or_else(|| DEFAULT_DATA_DIR.into());
            return Ok(Location::Local { dir });
        };
        let database_option = named("database");
        let target = database.target()?;
        ensure!(
            self.blobs.is_some(),
            "{database_option}: servers that share a database also share a bucket for their blobs: give --blobs \
             s3://BUCKET/PREFIX, and --s3-endpoint unless it is Amazon's"
        );
        match self.data_dir.as_ref().map(|_| named("data-dir")) {
            // An image of a container may set the variable for everybody.
            Some(variable) if variable.starts_with("GANGPLANK") => {
                tracing::info!(
                    "{variable} does nothing here: {database_option} takes the place of a directory"
                );
            }
            Some(option) => bail!(
                "{option} and {database_option} are two places for the same things: leave out {option} to use the \
                 database and the bucket, or {database_option} to use the directory"
            ),
            None => {}
        }
        ensure!(
            self.public_address.is_some(),
            "{database_option}: clients must find all servers under one name: give --public-address host[:port], the \
             address of what is in front of them"
        );
        Ok(Location::Shared { database: target })
    }

    /// The master key of servers that share a database; `None` without such a database.
    ///
    /// # Errors
    /// If there is no master key, or if the text is no key.
    pub(super) fn shared_master_key(&self) -> Result<Option<MasterKey>> {
        if self.database.is_none() {
            return Ok(None);
        }
        master_key(self.master_key_file.as_deref()).map(Some)
    }

    /// The engine. A server that shares a database runs images only if it is told to, since other servers have to reach
    /// it then.
    pub(super) fn engine_choice(&self, default: EngineChoice) -> EngineChoice {
        match self.engine {
            None if self.database.is_some() => EngineChoice::None,
            None => default,
            Some(Engine::None) => EngineChoice::None,
            Some(Engine::Auto) => EngineChoice::Auto,
            Some(Engine::Docker) => EngineChoice::Docker,
            Some(Engine::Podman) => EngineChoice::Podman,
        }
    }
}

/// The master key of the environment, or of the named file.
///
/// # Errors
/// If there is no master key, if there are two, or if the text is no key.
pub(crate) fn master_key(file: Option<&Path>) -> Result<MasterKey> {
    match (std::env::var_os(MASTER_KEY), file) {
        (Some(_), Some(_)) => {
            bail!("{MASTER_KEY} and {} are both set: unset one of them", named("master-key-file"))
        }
        (Some(text), None) => MasterKey::read(text.as_encoded_bytes()).with_context(|| {
            format!("{MASTER_KEY} is 64 hexadecimal digits; `gangplank generate master-key` makes them")
        }),
        (None, Some(file)) => MasterKey::in_file(file),
        (None, None) => bail!(
            "servers that share a database need the same master key: set {MASTER_KEY} to 64 hexadecimal digits, or \
             GANGPLANK_MASTER_KEY_FILE to a file that has them; `gangplank generate master-key` makes them"
        ),
    }
}
