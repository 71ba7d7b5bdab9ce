//! The backends that the contracts are run on, each new and empty.

use std::time::Duration;

use gangplank_store::blobs::{BlobStore, Folder, Memory};
use gangplank_store::coordination::{Coordinator, InProcess};
use gangplank_store::metadata::{Metadata, Sqlite};
use tempfile::TempDir;

pub(crate) use crate::buckets::{seaweedfs, versitygw};

/// Metadata of a backend, made for one test.
pub(crate) trait Scratch: Send + Sync {
    /// The store.
    fn metadata(&self) -> &dyn Metadata;
    /// Closes the store and opens it again, as another start of the program does.
    fn reopen(&mut self);
}

/// An embedded database in a directory of its own.
pub(crate) struct ScratchSqlite {
    directory: TempDir,
    database: Option<Sqlite>,
}

pub(crate) fn sqlite() -> ScratchSqlite {
    let mut scratch = ScratchSqlite { directory: TempDir::new().unwrap(), database: None };
    scratch.reopen();
    scratch
}

impl ScratchSqlite {
    pub(crate) fn metadata(&self) -> &dyn Metadata {
        self.database.as_ref().unwrap()
    }
}

impl Scratch for ScratchSqlite {
    fn metadata(&self) -> &dyn Metadata {
        self.metadata()
    }

    fn reopen(&mut self) {
        drop(self.database.take());
        self.database = Some(Sqlite::open(&self.directory.path().join("metadata.sqlite")).unwrap());
    }
}

/// Blobs of a backend, made for one test.
pub(crate) trait ScratchBlobs {
    /// The store.
    fn blobs(&self) -> &dyn BlobStore;
    /// The size of a part, in bytes.
    fn part(&self) -> usize;
}

/// The size of parts that are smaller than what most clauses write.
const SMALL_PART: usize = 16;

/// Bytes in memory.
pub(crate) struct ScratchMemory(Memory);

pub(crate) fn memory() -> Option<ScratchMemory> {
    Some(ScratchMemory(Memory::with_parts(SMALL_PART)))
}

impl ScratchBlobs for ScratchMemory {
    fn blobs(&self) -> &dyn BlobStore {
        &self.0
    }

    fn part(&self) -> usize {
        SMALL_PART
    }
}

/// A folder in a directory of its own.
pub(crate) struct ScratchFolder {
    directory: TempDir,
    folder: Folder,
}

pub(crate) fn folder() -> Option<ScratchFolder> {
    Some(local_folder())
}

pub(crate) fn local_folder() -> ScratchFolder {
    let directory = TempDir::new().unwrap();
    let folder = Folder::open(&directory.path().join("blobs")).unwrap();
    ScratchFolder { directory, folder }
}

impl ScratchBlobs for ScratchFolder {
    fn blobs(&self) -> &dyn BlobStore {
        &self.folder
    }

    /// It has none, so contents may have any size.
    fn part(&self) -> usize {
        SMALL_PART
    }
}

impl ScratchFolder {
    /// The folder's own path.
    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("blobs")
    }
}

/// A coordinator whose time a test can let pass.
pub(crate) trait ScratchCoordinator: Send + Sync {
    /// The coordinator.
    fn coordinator(&self) -> &dyn Coordinator;
    /// Lets so much of its time pass.
    async fn pass(&self, time: Duration);
}

/// A map in memory. Its time is tokio's, which a paused runtime moves.
#[derive(Default)]
pub(crate) struct ScratchInProcess(InProcess);

pub(crate) fn in_process() -> ScratchInProcess {
    ScratchInProcess::default()
}

impl ScratchCoordinator for ScratchInProcess {
    fn coordinator(&self) -> &dyn Coordinator {
        &self.0
    }

    async fn pass(&self, time: Duration) {
        tokio::time::advance(time).await;
    }
}
