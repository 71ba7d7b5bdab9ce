//! The one way to a store: where it is, what it is opened for, and that its rows and its bytes belong together. Nobody
//! else names a database or a folder.
//!
//! The rows come first ([`StoreConfig::rows`]), since who opens them may look whether it has their key; then their bytes
//! ([`Rows::with_bytes`]). Who may open a store is not decided here.

mod belonging;
mod bucket;
mod local;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use belonging::{number_of, text_of, write_number};
pub use bucket::Bucket;
pub use local::{blobs_in, database_in};

use crate::Result;
use crate::blobs::{BlobStore, DEFAULT_RESERVE, LocalFiles};
use crate::coordination::Coordinator;
use crate::metadata::Metadata;

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In a directory of this machine, which one process uses: the rows in `gangplank.db`, the bytes in `blobs/`.
    Local {
        /// The directory.
        dir: PathBuf,
    },
}

/// What a store is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// To serve. A new one is made; one of an earlier schema is upgraded.
    Serve,
    /// To be changed while no server uses it. A new one is made; one of another schema is refused.
    Offline,
    /// To be looked at, also beside its server: whatever would change it is refused, and nothing is made.
    Read,
    /// To be filled with what can be made again: the rows are those of a server, but nothing of them is synced, and a
    /// crash leaves a broken file. Closed, and then opened to serve, it is like any other.
    #[cfg(feature = "filling")]
    Fill,
}

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    location: Location,
    mode: Mode,
    reserve: u64,
    bucket: Option<Bucket>,
}

/// The rows of a store.
pub struct Rows {
    /// The rows.
    pub metadata: Arc<dyn Metadata>,
    config: StoreConfig,
}

/// A store.
pub struct Stores {
    /// Its rows.
    pub metadata: Arc<dyn Metadata>,
    /// Its bytes.
    pub blobs: Arc<dyn BlobStore>,
    /// Who does what in it.
    pub coordinator: Arc<dyn Coordinator>,
    /// The number that rows and bytes share; `None` only where it was opened to be read and has none yet.
    pub number: Option<i64>,
    /// What was the matter with the bytes; only [`Rows::with_bytes_anew`] and [`Mode::Read`] go on with any.
    pub fault: Option<Fault>,
}

/// Why bytes are not those of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is the matter: it follows the name of the place.
    pub what: &'static str,
    /// Where the bytes of other rows were put, if they were in the place of these.
    pub aside: Option<PathBuf>,
}

impl StoreConfig {
    /// A store at this place, to be opened for this.
    pub fn new(location: Location, mode: Mode) -> Self {
        Self { location, mode, reserve: DEFAULT_RESERVE, bucket: None }
    }

    /// A store in a directory of this machine.
    pub fn local(dir: &Path, mode: Mode) -> Self {
        Self::new(Location::Local { dir: dir.to_owned() }, mode)
    }

    /// The bytes are in a bucket, and not beside the rows.
    #[must_use]
    pub fn with_bucket(self, bucket: Option<Bucket>) -> Self {
        Self { bucket, ..self }
    }

    /// Bytes that come leave so much of the disk free, or of a small disk an eighth.
    #[must_use]
    pub fn with_reserve(self, reserve: u64) -> Self {
        Self { reserve, ..self }
    }

    /// Opens the rows alone.
    ///
    /// # Errors
    /// If they cannot be opened or made, or the mode does not take their schema.
    #[expect(clippy::unused_async, reason = "rows in another place than this machine are waited for")]
    pub async fn rows(self) -> Result<Rows> {
        let metadata = match &self.location {
            Location::Local { dir } => local::rows(dir, self.mode)?,
        };
        Ok(Rows { metadata, config: self })
    }

    /// Opens all of it.
    ///
    /// # Errors
    /// As [`rows`](Self::rows) and [`Rows::with_bytes`].
    pub async fn open(self) -> Result<Stores> {
        self.rows().await?.with_bytes().await
    }
}

impl Rows {
    /// Opens their bytes; those of new rows are made.
    ///
    /// # Errors
    /// [`Unusable`](crate::StoreError::Unusable) if the bytes are missing or those of other rows, unless it is only read;
    /// and if they cannot be opened.
    pub async fn with_bytes(self) -> Result<Stores> {
        let Location::Local { dir } = &self.config.location;
        let StoreConfig { mode, reserve, .. } = self.config;
        if let Some(bucket) = self.config.bucket {
            return bucket::with_bytes(self.metadata, bucket, mode, reserve).await;
        }
        local::with_bytes(self.metadata, dir, mode, reserve).await
    }

    /// Opens their bytes, and makes them anew where they are missing: what the rows know is missing then. The bytes of
    /// other rows are put aside.
    ///
    /// # Errors
    /// If those cannot be put aside, or the bytes cannot be opened or made.
    pub async fn with_bytes_anew(self) -> Result<Stores> {
        if self.config.bucket.is_some() {
            // What it lacks is marked; a prefix is never made anew.
            return self.with_bytes().await;
        }
        let Location::Local { dir } = &self.config.location;
        local::with_bytes_anew(self.metadata, dir, self.config.reserve).await
    }
}

/// Opens the files of a folder of bytes for whoever may wait for a disk: those of a backup, or of a store that is being
/// made. What comes in leaves no space free, since whether all of it fits is asked once.
///
/// # Errors
/// If it cannot be opened or made. One that is only read is not looked at.
pub fn local_files(path: &Path, mode: Mode) -> Result<LocalFiles> {
    Ok(match mode {
        Mode::Read => LocalFiles::open_to_read(path),
        _ => LocalFiles::open(path)?.with_reserve(0),
    })
}
