//! Opens stores. It decides where a store is, what the caller may do with it, and whether rows and bytes belong
//! together. No other code names a database file or a folder of bytes.
//!
//! The rows are opened first ([`StoreConfig::rows`]), so that the caller can check its master key with them.
//! Then the bytes are opened ([`Rows::with_bytes`]). The caller makes sure that it may open the store at all.

mod awaited;
mod belonging;
mod bucket;
mod local;
mod moving;
mod ownership;
mod shared;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use belonging::{number_of, text_of, write_number};
pub use bucket::{Bucket, restored};
pub use gangplank_s3::{Figures as CallFigures, Statistics as BucketCalls};
pub use local::{blobs_in, database_in};
pub use moving::{bucket_to_estimate, bucket_to_fill, bucket_to_read, folder_to_estimate, folder_to_fill};
pub use ownership::{Failovers, may_remove};

use crate::blobs::{BlobStore, DEFAULT_RESERVE, LocalFiles};
use crate::coordination::Coordinator;
use crate::metadata::{Metadata, Postgres, Target};
use crate::{Result, StoreError};

/// The place of a store.
#[derive(Clone, Debug)]
pub enum Location {
    /// A directory of this machine that one process uses: the rows are in `gangplank.db`, the bytes in
    /// `blobs/`.
    Local {
        /// The directory.
        dir: PathBuf,
    },
    /// A PostgreSQL database that any number of processes use at the same time. The bytes are in a bucket.
    Shared {
        /// The database.
        database: Target,
    },
}

impl Location {
    /// The directory of the rows, if they are on this machine.
    fn directory(&self) -> Option<&Path> {
        match self {
            Self::Local { dir } => Some(dir),
            Self::Shared { .. } => None,
        }
    }
}

/// The purpose of opening a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The store is opened to serve it. A missing store is made, and an earlier schema is upgraded.
    Serve,
    /// The store is opened to change it while no server uses it. A missing store is made. A store with another schema
    /// is refused.
    Offline,
    /// The store is opened to read it, even while its server runs. Changes are refused, and nothing is made.
    Read,
    /// The store is opened to fill it with rows that can be made again. Nothing is synced, and a crash leaves a
    /// broken file. When the store is closed, it is a store like any other, and a server can open it.
    #[cfg(feature = "filling")]
    Fill,
}

/// How to open a store.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    location: Location,
    mode: Mode,
    reserve: u64,
    bucket: Option<Bucket>,
}

/// The opened rows of a store.
pub struct Rows {
    /// The rows.
    pub metadata: Arc<dyn Metadata>,
    /// These rows, if several processes share them.
    pub cluster: Option<Arc<Postgres>>,
    config: StoreConfig,
}

/// An open store.
pub struct Stores {
    /// Its rows.
    pub metadata: Arc<dyn Metadata>,
    /// Its bytes.
    pub blobs: Arc<dyn BlobStore>,
    /// The coordinator of its processes.
    pub coordinator: Arc<dyn Coordinator>,
    /// The figures of the calls to the server of the bucket, if the bytes are in one.
    pub bucket_calls: Option<Arc<BucketCalls>>,
    /// The number that rows and bytes share. `None` only if the store was opened for reading and has none yet.
    pub number: Option<i64>,
    /// The fault of the bytes. Only [`Rows::with_bytes_anew`] and [`Mode::Read`] open a store that has one.
    pub fault: Option<Fault>,
}

/// A fault in the relation of bytes and rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The fault, in words that follow the name of the folder.
    pub what: &'static str,
    /// If another database's folder was where these bytes belong: its new path.
    pub aside: Option<PathBuf>,
}

impl StoreConfig {
    /// A store at this place, to open in this mode.
    pub fn new(location: Location, mode: Mode) -> Self {
        Self { location, mode, reserve: DEFAULT_RESERVE, bucket: None }
    }

    /// A store in a directory of this machine.
    pub fn local(dir: &Path, mode: Mode) -> Self {
        Self::new(Location::Local { dir: dir.to_owned() }, mode)
    }

    /// A store that several processes share.
    pub fn shared(database: Target, bucket: Bucket, mode: Mode) -> Self {
        Self::new(Location::Shared { database }, mode).with_bucket(Some(bucket))
    }

    /// Sets the bucket of the bytes. Without one, they are beside the rows of a [`Location::Local`].
    #[must_use]
    pub fn with_bucket(self, bucket: Option<Bucket>) -> Self {
        Self { bucket, ..self }
    }

    /// Sets how many bytes of the disk new content leaves free; at most an eighth of the disk.
    #[must_use]
    pub fn with_reserve(self, reserve: u64) -> Self {
        Self { reserve, ..self }
    }

    /// Opens only the rows.
    ///
    /// # Errors
    /// If they cannot be opened or made; [`Unusable`](crate::StoreError::Unusable) if the mode does not accept
    /// their schema.
    pub async fn rows(self) -> Result<Rows> {
        let (metadata, cluster) = match &self.location {
            Location::Local { dir } => (local::rows(dir, self.mode)?, None),
            Location::Shared { database } => {
                let rows = shared::rows(database, self.mode).await?;
                (rows.metadata(), Some(rows))
            }
        };
        Ok(Rows { metadata, cluster, config: self })
    }

    /// Opens rows and bytes.
    ///
    /// # Errors
    /// The errors of [`rows`](Self::rows) and [`Rows::with_bytes`].
    pub async fn open(self) -> Result<Stores> {
        self.rows().await?.with_bytes().await
    }
}

impl Rows {
    /// Opens the bytes. New rows get new bytes.
    ///
    /// # Errors
    /// [`Unusable`](crate::StoreError::Unusable) if the bytes are missing or belong to other rows, unless they
    /// are in a folder that is only read. Other errors if they cannot be opened.
    pub async fn with_bytes(self) -> Result<Stores> {
        let Self { metadata, cluster, config: StoreConfig { location, mode, reserve, bucket } } = self;
        match (location, bucket) {
            (Location::Local { dir }, None) => local::with_bytes(metadata, &dir, mode, reserve).await,
            (location, Some(bucket)) => {
                let database = location.directory().map(Path::to_owned);
                bucket::with_bytes(metadata, cluster, database, bucket, mode, reserve).await
            }
            (Location::Shared { .. }, None) => Err(StoreError::unusable(
                "a database that several processes share has its content in a bucket",
            )),
        }
    }

    /// Opens the bytes. A missing folder is made; then all content that the rows know is missing. A folder of
    /// other rows is renamed first.
    ///
    /// # Errors
    /// If a folder cannot be renamed, opened or made.
    pub async fn with_bytes_anew(self) -> Result<Stores> {
        match &self.config {
            StoreConfig { location: Location::Local { dir }, bucket: None, reserve, .. } => {
                local::with_bytes_anew(self.metadata, dir, *reserve).await
            }
            // `fsck` marks content that the bucket lacks. No second prefix is made for it.
            _ => self.with_bytes().await,
        }
    }
}

/// Opens the files of a folder of bytes, for callers that may wait for a disk: when they make a backup or a new
/// store. No space is kept free, since the caller checks once whether everything fits.
///
/// # Errors
/// If the folder cannot be opened or made. A folder that is only read is not checked.
pub fn local_files(path: &Path, mode: Mode) -> Result<LocalFiles> {
    Ok(match mode {
        Mode::Read => LocalFiles::open_to_read(path),
        _ => LocalFiles::open(path)?.with_reserve(0),
    })
}
