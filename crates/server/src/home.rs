//! The home of a server: a data directory, or none if other servers use the same store.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use gangplank_store::metadata::Target;
use gangplank_store::open::{Location, Mode, StoreConfig};

use crate::data_dir::DataDir;
use crate::removals::Removals;

/// The place for things that a server keeps outside its store.
#[derive(Debug)]
pub(crate) enum Home {
    /// A data directory, which this process has locked.
    Directory(DataDir),
    /// No directory: the store has everything, and other servers use the store, too.
    None {
        /// The database of the store.
        database: Target,
    },
}

impl Home {
    /// Locks the directory, if there is one.
    ///
    /// # Errors
    /// As [`DataDir::take`].
    pub(crate) fn take(location: &Location) -> Result<Self> {
        Ok(match location {
            Location::Local { dir } => Self::Directory(DataDir::take(dir)?),
            Location::Shared { database } => Self::None { database: database.clone() },
        })
    }

    /// The data directory, if there is one.
    pub(crate) fn directory(&self) -> Option<&DataDir> {
        match self {
            Self::Directory(dir) => Some(dir),
            Self::None { .. } => None,
        }
    }

    /// The path of the data directory, if there is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.directory().map(DataDir::path)
    }

    /// The configuration to serve the store.
    pub(crate) fn store(&self) -> StoreConfig {
        match self {
            Self::Directory(dir) => dir.store(Mode::Serve),
            Self::None { database } => {
                StoreConfig::new(Location::Shared { database: database.clone() }, Mode::Serve)
            }
        }
    }

    /// The right to remove bytes of the store.
    pub(crate) fn removals(&self) -> Removals {
        self.path().map_or_else(Removals::of_no_directory, Removals::of)
    }

    /// The folder of container logs. It is made with the first line. Without a directory it is in the folder for scratch
    /// files, under the address of the listener, which no other process of this machine has. So the next run finds it.
    pub(crate) fn logs(&self, scratch: Option<&Path>, listener: SocketAddr) -> PathBuf {
        let temporary = std::env::temp_dir();
        match (self, scratch) {
            (Self::Directory(dir), _) => dir.logs(),
            (Self::None { .. }, Some(scratch)) if scratch != temporary => {
                let address = listener.to_string().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
                scratch.join(format!("gangplank-logs-{address}"))
            }
            // Everybody may write there, so the name must be hard to guess.
            (Self::None { .. }, _) => {
                temporary.join(format!("gangplank-logs-{}", uuid::Uuid::new_v4().simple()))
            }
        }
    }

    /// Records that a run begins. Returns whether the run before it crashed, if this home can tell.
    ///
    /// # Errors
    /// If the directory cannot be read or written.
    pub(crate) fn begin_run(&self) -> Result<bool> {
        self.directory().map_or(Ok(false), DataDir::begin_run)
    }

    /// Records that the run ended cleanly.
    ///
    /// # Errors
    /// If the directory cannot be written.
    pub(crate) fn end_run(&self) -> Result<()> {
        self.directory().map_or(Ok(()), DataDir::end_run)
    }
}
