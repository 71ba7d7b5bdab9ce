//! Bytes in a folder.
//!
//! ```text
//! id                  to which database it belongs; kept by whoever opens the store, looked for here
//! staged/<key>        content on its way in
//! content/<ab>/<key>  published content; <ab> are the last two digits of the key, which are random. These
//!                     shards are made when the first content comes into them
//! ```

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gangplank_oci::Hasher;
use tokio::task::spawn_blocking;

use super::folder_writer::FolderWriter;
use super::presence::Presence;
use super::reading::{FileRange, Read, Reading};
use super::shards::Shards;
use super::write_back::WriteBack;
use super::{
    BlobIngester, BlobProvider, BlobStatter, BlobSweeper, BlobWriter, Capacity, Checkpoint, ContentKey,
    Space, Staged,
};
use crate::durable_file::{folder_of, make_folder, sync_folder};
use crate::reserve::Reserve;
use crate::{Result, StoreError};

/// What uploads leave free of the disk if not told otherwise, in bytes.
pub const DEFAULT_RESERVE: u64 = 64 << 20;

/// A blob store in a folder of a local file system.
pub struct Folder {
    inner: Arc<Inner>,
    reserve: Reserve,
}

/// What writers and work on other threads share with it.
pub(super) struct Inner {
    staged: PathBuf,
    pub(super) shards: Shards,
    pub(super) presence: Presence,
    pub(super) write_back: WriteBack,
    /// Names this run, as every checkpoint of it does. Staged bytes are not synced, so after a power cut there may be
    /// fewer or others than a checkpoint of an earlier run counts.
    pub(super) run: Vec<u8>,
}

impl Folder {
    /// Opens the folder, making it if it is missing.
    ///
    /// # Errors
    /// If a directory cannot be made or synced.
    pub fn open(root: &Path) -> Result<Self> {
        let staged = root.join("staged");
        make_folder(&staged)?;
        let content = root.join("content");
        make_folder(&content)?;
        let (shards, presence) = (Shards::open(content)?, Presence::of(root));
        sync_folder(root)?;
        sync_folder(folder_of(root))?;
        Ok(Self::of(staged, shards, presence))
    }

    /// Leaves so many bytes of the disk free, or of a small disk an eighth.
    #[must_use]
    pub fn with_reserve(self, bytes: u64) -> Self {
        Self { reserve: Reserve(bytes), ..self }
    }

    /// The folder of a server that may be running, to be read. Makes nothing.
    pub fn open_to_read(root: &Path) -> Self {
        let shards = Shards::new(root.join("content"));
        Self::of(root.join("staged"), shards, Presence::unknown(root))
    }

    fn of(staged: PathBuf, shards: Shards, presence: Presence) -> Self {
        let run = uuid::Uuid::new_v4().simple().to_string().into_bytes();
        let inner = Inner { staged, shards, presence, write_back: WriteBack::default(), run };
        Self { inner: Arc::new(inner), reserve: Reserve(DEFAULT_RESERVE) }
    }

    /// Does what waits for the disk on a thread that may.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(&self.inner);
        done(spawn_blocking(move || work(&inner)).await)
    }
}

/// What work on another thread came to; if it panicked, that it did.
pub(super) fn done<T>(work: std::result::Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    work.unwrap_or_else(|error| Err(StoreError::unavailable(error)))
}

impl Inner {
    pub(super) fn staged_path(&self, key: &ContentKey) -> PathBuf {
        self.staged.join(key.as_str())
    }

    fn content_path(&self, key: &ContentKey) -> PathBuf {
        self.shards.of(key).join(key.as_str())
    }

    fn disk(&self) -> Result<rustix::fs::StatVfs> {
        rustix::fs::statvfs(&self.staged).map_err(|error| self.presence.explain(error.into()))
    }

    /// The contents of a directory that are as old as that.
    fn keys_in(&self, directory: &Path, older_than: Duration) -> Result<Vec<ContentKey>> {
        let mut keys = Vec::new();
        let Some(entries) = self.presence.unless_missing(fs::read_dir(directory))? else { return Ok(keys) };
        for entry in entries {
            let entry = entry?;
            let Some(key) = entry.file_name().to_str().and_then(ContentKey::parse) else { continue };
            if older_than.is_zero() || is_as_old_as(&entry, older_than)? {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// Whether the bytes are staged that a checkpoint of another run counts.
    fn are_whole(&self, key: &ContentKey, counted: &Hasher) -> Result<bool> {
        let file = File::open(self.staged_path(key));
        let Some(file) = self.presence.unless_missing(file)? else { return Ok(false) };
        let mut staged = Hasher::new(counted.algorithm());
        staged.read_from(io::Read::take(file, counted.hashed()))?;
        Ok(staged.hashed() == counted.hashed() && staged.state() == counted.state())
    }
}

/// Whether a file was last changed so long ago. One that goes meanwhile is not.
fn is_as_old_as(entry: &fs::DirEntry, age: Duration) -> Result<bool> {
    match entry.metadata().and_then(|metadata| metadata.modified()) {
        Ok(modified) => Ok(modified.elapsed().is_ok_and(|elapsed| elapsed >= age)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[async_trait]
impl BlobStatter for Folder {
    async fn stat(&self, key: &ContentKey) -> Result<Option<u64>> {
        // One look at an inode: not worth another thread.
        let metadata = fs::metadata(self.inner.content_path(key));
        Ok(self.inner.presence.unless_missing(metadata)?.map(|metadata| metadata.len()))
    }
}

#[async_trait]
impl BlobProvider for Folder {
    async fn read(&self, key: &ContentKey, range: Range<u64>) -> Result<Option<Reading>> {
        let key = key.clone();
        self.blocking(move |inner| {
            let file = inner.presence.unless_missing(File::open(inner.content_path(&key)))?;
            let Some(file) = file else { return Ok(None) };
            let size = file.metadata()?.len();
            let range = range.start.min(size)..range.end.min(size);
            Ok(Some(Reading { size, bytes: Read::File(FileRange { file, range }) }))
        })
        .await
    }
}

#[async_trait]
impl BlobIngester for Folder {
    fn writer(&self, key: &ContentKey, from: &Checkpoint) -> Result<Box<dyn BlobWriter>> {
        Ok(Box::new(FolderWriter::new(&self.inner, self.reserve, key, from.hasher()?)))
    }

    async fn vouch(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<Option<Checkpoint>> {
        if checkpoint.received == 0 {
            return Ok(Some(checkpoint.clone()));
        }
        if checkpoint.opaque == self.inner.run {
            let staged = self.inner.presence.unless_missing(fs::metadata(self.inner.staged_path(key)))?;
            let is_there = staged.is_some_and(|staged| staged.len() >= checkpoint.received);
            return Ok(is_there.then(|| checkpoint.clone()));
        }
        let Ok(counted) = checkpoint.hasher() else { return Ok(None) };
        let key = key.clone();
        let is_whole = self.blocking(move |inner| inner.are_whole(&key, &counted)).await?;
        Ok(is_whole.then(|| Checkpoint { opaque: self.inner.run.clone(), ..checkpoint.clone() }))
    }

    async fn cancel(&self, key: &ContentKey, _: &Checkpoint) -> Result<()> {
        let key = key.clone();
        self.blocking(move |inner| {
            inner.presence.unless_missing(fs::remove_file(inner.staged_path(&key))).map(drop)
        })
        .await
    }
}

#[async_trait]
impl BlobSweeper for Folder {
    async fn published(&self, part: u8, older_than: Duration) -> Result<Vec<ContentKey>> {
        self.blocking(move |inner| inner.keys_in(&inner.shards.part(part), older_than)).await
    }

    async fn staged(&self, older_than: Duration) -> Result<Vec<Staged>> {
        let keys = self.blocking(move |inner| inner.keys_in(&inner.staged, older_than)).await?;
        Ok(keys
            .into_iter()
            .map(|key| Staged { key, checkpoint: Checkpoint::to_cancel(Vec::new()) })
            .collect())
    }

    async fn remove(&self, keys: &[ContentKey]) -> Vec<Result<()>> {
        let (wanted, count) = (keys.to_vec(), keys.len());
        let removed = self.blocking(move |inner| {
            let remove = |key| inner.presence.unless_missing(fs::remove_file(inner.content_path(key)));
            Ok(wanted.iter().map(|key| remove(key).map(drop)).collect())
        });
        removed.await.unwrap_or_else(|error| vec![Err(error); count])
    }
}

#[async_trait]
impl Capacity for Folder {
    async fn require(&self, bytes: u64) -> Result<()> {
        // What the kernel has in memory of a disk, here and below: no wait for it.
        self.reserve.require(&self.inner.disk()?, bytes)
    }

    async fn space(&self) -> Result<Option<Space>> {
        Ok(Some(self.reserve.space(&self.inner.disk()?)))
    }
}
