//! The files of a folder, for callers that may wait for a disk.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gangplank_oci::Hasher;

use super::local_writer::LocalWriter;
use super::presence::Presence;
use super::shards::Shards;
use super::write_back::WriteBack;
use super::{Checkpoint, ContentKey, Space};
use crate::Result;
use crate::durable_file::{folder_of, make_folder, sync_folder};
use crate::reserve::Reserve;

/// How many bytes of the disk uploads leave free by default.
pub const DEFAULT_RESERVE: u64 = 64 << 20;

/// Content in the files of a folder. Every call may wait for the disk. The traits of [`Folder`](super::Folder)
/// say what the calls mean.
#[derive(Clone)]
pub struct LocalFiles {
    pub(super) shared: Arc<Shared>,
    pub(super) reserve: Reserve,
}

pub(super) struct Shared {
    staged: PathBuf,
    pub(super) shards: Shards,
    pub(super) presence: Presence,
    pub(super) write_back: WriteBack,
    /// The name of this run. Its checkpoints contain it. Staged bytes are not synced, so after a power cut they
    /// may be fewer than an older checkpoint counts, or wrong.
    pub(super) run: Vec<u8>,
}

impl LocalFiles {
    /// Opens the folder, and makes it if it is missing.
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

    /// The folder of a server that may be running, for reading only. Makes nothing.
    pub fn open_to_read(root: &Path) -> Self {
        let shards = Shards::new(root.join("content"));
        Self::of(root.join("staged"), shards, Presence::unknown(root))
    }

    fn of(staged: PathBuf, shards: Shards, presence: Presence) -> Self {
        let run = uuid::Uuid::new_v4().simple().to_string().into_bytes();
        let shared = Shared { staged, shards, presence, write_back: WriteBack::default(), run };
        Self { shared: Arc::new(shared), reserve: Reserve(DEFAULT_RESERVE) }
    }

    /// Sets how many bytes of the disk stay free; at most an eighth of the disk.
    #[must_use]
    pub fn with_reserve(self, bytes: u64) -> Self {
        Self { reserve: Reserve(bytes), ..self }
    }

    /// The size of published content in bytes.
    ///
    /// # Errors
    /// If the file system fails.
    pub fn size(&self, key: &ContentKey) -> Result<Option<u64>> {
        let metadata = fs::metadata(self.content_path(key));
        Ok(self.shared.presence.unless_missing(metadata)?.map(|metadata| metadata.len()))
    }

    /// Opens published content.
    ///
    /// # Errors
    /// As [`size`](Self::size).
    pub fn read(&self, key: &ContentKey) -> Result<Option<File>> {
        self.shared.presence.unless_missing(File::open(self.content_path(key)))
    }

    /// A writer that continues after the bytes that `hasher` has read.
    pub fn writer(&self, key: &ContentKey, hasher: Hasher) -> LocalWriter {
        LocalWriter::new(self, key, hasher)
    }

    /// Checks staged bytes, see [`BlobIngester::vouch`](super::BlobIngester::vouch).
    pub(super) fn vouch(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<bool> {
        if self.vouches_by_name(checkpoint) {
            let staged = self.shared.presence.unless_missing(fs::metadata(self.shared.staged_path(key)))?;
            return Ok(staged.is_some_and(|staged| staged.len() >= checkpoint.received));
        }
        let Ok(counted) = checkpoint.hasher() else { return Ok(false) };
        let file = File::open(self.shared.staged_path(key));
        let Some(file) = self.shared.presence.unless_missing(file)? else { return Ok(false) };
        let mut staged = Hasher::new(counted.algorithm());
        staged.read_from(io::Read::take(file, counted.hashed()))?;
        Ok(staged.hashed() == counted.hashed() && staged.state() == counted.state())
    }

    /// Whether this run made a checkpoint. If so, its bytes need not be read.
    pub(super) fn vouches_by_name(&self, checkpoint: &Checkpoint) -> bool {
        checkpoint.opaque == self.shared.run
    }

    /// Deletes staged content, if there is any.
    ///
    /// # Errors
    /// As [`size`](Self::size).
    pub fn cancel(&self, key: &ContentKey) -> Result<()> {
        self.shared.presence.unless_missing(fs::remove_file(self.shared.staged_path(key))).map(drop)
    }

    /// The keys of staged content that got no byte for the time `older_than`.
    ///
    /// # Errors
    /// As [`size`](Self::size).
    pub fn staged(&self, older_than: Duration) -> Result<Vec<ContentKey>> {
        self.keys_in(&self.shared.staged, older_than)
    }

    /// The keys of published content in one part whose files were last changed at least `older_than` ago.
    ///
    /// # Errors
    /// As [`size`](Self::size).
    pub fn published(&self, part: u8, older_than: Duration) -> Result<Vec<ContentKey>> {
        self.keys_in(&self.shared.shards.part(part), older_than)
    }

    /// Deletes published content, if there is any.
    ///
    /// # Errors
    /// As [`size`](Self::size).
    pub fn remove(&self, key: &ContentKey) -> Result<()> {
        self.shared.presence.unless_missing(fs::remove_file(self.content_path(key))).map(drop)
    }

    /// Checks that `bytes` more bytes leave the reserve free.
    ///
    /// # Errors
    /// [`StoreError::Full`](crate::StoreError::Full) if they do not.
    pub fn require(&self, bytes: u64) -> Result<()> {
        self.reserve.require(&self.disk()?, bytes)
    }

    pub(super) fn space(&self) -> Result<Space> {
        Ok(self.reserve.space(&self.disk()?))
    }

    fn content_path(&self, key: &ContentKey) -> PathBuf {
        self.shared.shards.of(key).join(key.as_str())
    }

    fn disk(&self) -> Result<rustix::fs::StatVfs> {
        rustix::fs::statvfs(&self.shared.staged).map_err(|error| self.shared.presence.explain(error.into()))
    }

    fn keys_in(&self, directory: &Path, older_than: Duration) -> Result<Vec<ContentKey>> {
        let mut keys = Vec::new();
        let entries = self.shared.presence.unless_missing(fs::read_dir(directory))?;
        for entry in entries.into_iter().flatten() {
            let entry = entry?;
            let Some(key) = entry.file_name().to_str().and_then(ContentKey::parse) else { continue };
            if older_than.is_zero() || is_as_old_as(&entry, older_than)? {
                keys.push(key);
            }
        }
        Ok(keys)
    }
}

impl Shared {
    pub(super) fn staged_path(&self, key: &ContentKey) -> PathBuf {
        self.staged.join(key.as_str())
    }
}

/// Whether a file was last changed at least `age` ago. `false` if it is deleted meanwhile.
fn is_as_old_as(entry: &fs::DirEntry, age: Duration) -> Result<bool> {
    match entry.metadata().and_then(|metadata| metadata.modified()) {
        Ok(modified) => Ok(modified.elapsed().is_ok_and(|elapsed| elapsed >= age)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}
