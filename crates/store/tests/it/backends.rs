//! The backends of the contracts, each new and empty.

use std::path::Path;
use std::time::Duration;

use gangplank_store::blobs::{BlobStore, Folder, Memory};
use gangplank_store::coordination::{Coordinator, InProcess};
use gangplank_store::metadata::{Contending, Embedded, Metadata, Recorded, Sqlite, Store};
use tempfile::TempDir;

pub(crate) use crate::buckets::{seaweedfs, versitygw};
pub(crate) use crate::databases::{empty_postgres, postgres, postgres_18};

/// A store of rows for one test.
pub(crate) trait Scratch: Send + Sync {
    /// The store.
    fn metadata(&self) -> &dyn Metadata;
    /// Closes the store and opens it again, as a restart of the program does.
    fn reopen(&mut self);
}

/// A database in a file that can be opened again.
pub(crate) trait Database: Metadata + Sized {
    /// Opens the database, or makes it.
    fn open(path: &Path) -> Self;
    /// Fails if a rule made a mistake that no answer showed.
    fn check(&self) {}
}

impl Database for Sqlite {
    fn open(path: &Path) -> Self {
        Self::open(path).unwrap()
    }
}

/// An embedded database that records the mistakes of its rules.
pub(crate) type Recording = Store<Recorded<Embedded>>;

impl Database for Recording {
    fn open(path: &Path) -> Self {
        Sqlite::open(path).unwrap().recorded()
    }

    fn check(&self) {
        assert_eq!(self.wrong(), Vec::<String>::new());
    }
}

/// An embedded database with simulated conflicts.
pub(crate) type Contended = Store<Contending<Embedded>>;

impl Database for Contended {
    fn open(path: &Path) -> Self {
        Sqlite::open(path).unwrap().contending()
    }
}

/// A database in a temporary directory.
pub(crate) struct ScratchDatabase<D: Database> {
    directory: TempDir,
    database: Option<D>,
}

#[expect(clippy::unnecessary_wraps, reason = "other backends have to be installed")]
pub(crate) fn sqlite() -> Option<ScratchDatabase<Sqlite>> {
    Some(ScratchDatabase::new())
}

#[expect(clippy::unnecessary_wraps, reason = "other backends have to be installed")]
pub(crate) fn recording() -> Option<ScratchDatabase<Recording>> {
    Some(ScratchDatabase::new())
}

#[expect(clippy::unnecessary_wraps, reason = "other backends have to be installed")]
pub(crate) fn contending() -> Option<ScratchDatabase<Contended>> {
    Some(ScratchDatabase::new())
}

impl<D: Database> ScratchDatabase<D> {
    pub(crate) fn new() -> Self {
        let mut scratch = Self { directory: TempDir::new().unwrap(), database: None };
        scratch.reopen();
        scratch
    }

    pub(crate) fn metadata(&self) -> &dyn Metadata {
        self.database()
    }

    /// The store with its own type.
    pub(crate) fn database(&self) -> &D {
        self.database.as_ref().unwrap()
    }
}

impl<D: Database> Scratch for ScratchDatabase<D> {
    fn metadata(&self) -> &dyn Metadata {
        self.metadata()
    }

    fn reopen(&mut self) {
        if let Some(database) = self.database.take() {
            database.check();
        }
        self.database = Some(D::open(&self.directory.path().join("metadata.sqlite")));
    }
}

impl<D: Database> Drop for ScratchDatabase<D> {
    fn drop(&mut self) {
        if let Some(database) = self.database.take()
            && !std::thread::panicking()
        {
            database.check();
        }
    }
}

/// A store of bytes for one test.
pub(crate) trait ScratchBlobs {
    /// The store.
    fn blobs(&self) -> &dyn BlobStore;
    /// The size of a part, in bytes.
    fn part(&self) -> usize;
}

/// A small size of parts, so that most tests write several.
const SMALL_PART: usize = 16;

/// Bytes in memory.
pub(crate) struct ScratchMemory(Memory);

#[expect(clippy::unnecessary_wraps, reason = "other backends have to be installed")]
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

/// A folder in a temporary directory.
pub(crate) struct ScratchFolder {
    directory: TempDir,
    folder: Folder,
}

#[expect(clippy::unnecessary_wraps, reason = "other backends have to be installed")]
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

    /// A folder has no parts, so the size does not matter.
    fn part(&self) -> usize {
        SMALL_PART
    }
}

impl ScratchFolder {
    /// The path of the folder.
    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("blobs")
    }
}

/// A coordinator with a clock that a test can advance.
pub(crate) trait ScratchCoordinator: Send + Sync {
    /// The coordinator.
    fn coordinator(&self) -> &dyn Coordinator;
    /// Advances its clock.
    async fn pass(&self, time: Duration);
}

/// A map in memory. It uses tokio's clock, which a paused runtime can advance.
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
