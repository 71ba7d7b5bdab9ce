//! Bytes in a folder.
//!
//! ```text
//! id                  the number of its database; written by `open`, checked here
//! staged/<key>        content that is being uploaded
//! content/<ab>/<key>  published content; <ab> are the last two digits of the key, which are random. These
//!                     shards are made when they are first needed
//! ```

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::{JoinError, spawn_blocking};

use super::local_files::LocalFiles;
use super::reading::{FileRange, Read, Reading};
use super::{
    BlobIngester, BlobProvider, BlobStatter, BlobSweeper, BlobWriter, Capacity, Checkpoint, ContentKey,
    Published, Space, Staged,
};
use crate::{Result, StoreError};

/// A blob store in a folder of a local file system. Work that waits for the disk runs on threads that may
/// block.
pub struct Folder(LocalFiles);

impl Folder {
    /// Opens the folder, and makes it if it is missing.
    ///
    /// # Errors
    /// If a directory cannot be made or synced.
    pub fn open(root: &Path) -> Result<Self> {
        LocalFiles::open(root).map(Self)
    }

    /// The folder of a server that may be running, for reading only. Makes nothing.
    pub fn open_to_read(root: &Path) -> Self {
        Self(LocalFiles::open_to_read(root))
    }

    /// Sets how many bytes of the disk stay free; at most an eighth of the disk.
    #[must_use]
    pub fn with_reserve(self, bytes: u64) -> Self {
        Self(self.0.with_reserve(bytes))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&LocalFiles) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let files = self.0.clone();
        done(spawn_blocking(move || work(&files)).await)
    }
}

/// The result of work on another thread. A panic becomes an error.
pub(super) fn done<T>(work: std::result::Result<Result<T>, JoinError>) -> Result<T> {
    work.unwrap_or_else(|error| Err(StoreError::unavailable(error)))
}

#[async_trait]
impl BlobStatter for Folder {
    async fn stat(&self, key: &ContentKey) -> Result<Option<u64>> {
        // Reading an inode is so short that another thread would not be worth while.
        self.0.size(key)
    }
}

#[async_trait]
impl BlobProvider for Folder {
    async fn read(&self, key: &ContentKey, range: Range<u64>) -> Result<Option<Reading>> {
        let key = key.clone();
        self.blocking(move |files| {
            let Some(file) = files.read(&key)? else { return Ok(None) };
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
        Ok(Box::new(self.0.writer(key, from.hasher()?)))
    }

    async fn vouch(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<Option<Checkpoint>> {
        if checkpoint.received == 0 {
            return Ok(Some(checkpoint.clone()));
        }
        let is_there = if self.0.vouches_by_name(checkpoint) {
            // A checkpoint of this run needs no reading: the call only looks at an inode.
            self.0.vouch(key, checkpoint)?
        } else {
            let (key, checkpoint) = (key.clone(), checkpoint.clone());
            self.blocking(move |files| files.vouch(&key, &checkpoint)).await?
        };
        Ok(is_there.then(|| Checkpoint { opaque: self.0.shared.run.clone(), ..checkpoint.clone() }))
    }

    async fn cancel(&self, key: &ContentKey, _: &Checkpoint) -> Result<()> {
        let key = key.clone();
        self.blocking(move |files| files.cancel(&key)).await
    }

    fn keeps_checkpoints(&self) -> bool {
        false
    }

    /// All bytes are in one file. The next writer overwrites the bytes that its checkpoint does not count.
    async fn cancel_beyond(&self, _: &ContentKey, _: &Checkpoint, _: &Checkpoint) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl BlobSweeper for Folder {
    async fn published(&self, part: u8, older_than: Duration) -> Result<Vec<ContentKey>> {
        self.blocking(move |files| files.published(part, older_than)).await
    }

    async fn inventory(&self, part: u8) -> Result<Vec<Published>> {
        let size = |files: &LocalFiles, key: ContentKey| {
            let size = files.size(&key).transpose()?;
            Some(size.map(|size| Published { key, size }))
        };
        self.blocking(move |files| {
            let keys = files.published(part, Duration::ZERO)?;
            keys.into_iter().filter_map(|key| size(files, key)).collect()
        })
        .await
    }

    async fn staged(&self, older_than: Duration) -> Result<Vec<Staged>> {
        let keys = self.blocking(move |files| files.staged(older_than)).await?;
        let staged = |key| Staged { key, checkpoint: Checkpoint::to_cancel(Vec::new()) };
        Ok(keys.into_iter().map(staged).collect())
    }

    async fn remove(&self, keys: &[ContentKey]) -> Vec<Result<()>> {
        let (wanted, count) = (keys.to_vec(), keys.len());
        let removed = self.blocking(move |files| Ok(wanted.iter().map(|key| files.remove(key)).collect()));
        removed.await.unwrap_or_else(|error| vec![Err(error); count])
    }
}

#[async_trait]
impl Capacity for Folder {
    async fn require(&self, bytes: u64) -> Result<()> {
        // `require` and `space` read numbers that the kernel has in memory. They do not wait for the disk.
        self.0.require(bytes)
    }

    async fn space(&self) -> Result<Option<Space>> {
        self.0.space().map(Some)
    }
}
