//! Bytes in a folder.
//!
//! ```text
//! staged/<key>        content on its way in
//! content/<ab>/<key>  published content; <ab> are the last two digits of the key, which are random. These
//!                     shards are made when the first content comes into them
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::shards::Shards;
use super::write_back::WriteBack;
use super::{BlobStore, ContentKey, Staged};
use crate::durable_file::{folder_of, sync_folder};
use crate::{Result, StoreError};

/// What uploads leave free of the disk if not told otherwise, in bytes.
pub const DEFAULT_RESERVE: u64 = 64 << 20;

/// How many bytes are written before the kernel is told to begin to write them, and to find space for as many
/// more.
const STRIDE: u64 = 8 << 20;

/// A blob store in a folder of a local file system.
pub struct Folder {
    staged: PathBuf,
    shards: Arc<Shards>,
    reserve: Reserve,
    write_back: Arc<WriteBack>,
}

/// What is left free of the disk, in bytes, so that the database can still commit, deletions above all;
/// of a small disk, an eighth.
#[derive(Clone, Copy)]
struct Reserve(u64);

impl Folder {
    /// Opens the folder, making it if it is missing.
    ///
    /// # Errors
    /// If a directory cannot be made or synced.
    pub fn open(root: &Path) -> Result<Self> {
        let mut folder = Self::open_to_read(root);
        fs::create_dir_all(&folder.staged)?;
        let content = root.join("content");
        fs::create_dir_all(&content)?;
        folder.shards = Arc::new(Shards::open(content)?);
        sync_folder(root)?;
        sync_folder(folder_of(root))?;
        Ok(folder)
    }

    /// Leaves so many bytes of the disk free, or of a small disk an eighth.
    #[must_use]
    pub fn with_reserve(self, bytes: u64) -> Self {
        Self { reserve: Reserve(bytes), ..self }
    }

    /// The folder of a server that may be running, to be read. Makes nothing.
    pub fn open_to_read(root: &Path) -> Self {
        let shards = Arc::new(Shards::new(root.join("content")));
        Self {
            staged: root.join("staged"),
            shards,
            reserve: Reserve(DEFAULT_RESERVE),
            write_back: Arc::default(),
        }
    }

    fn staged_path(&self, key: &ContentKey) -> PathBuf {
        self.staged.join(key.as_str())
    }

    fn content_path(&self, key: &ContentKey) -> PathBuf {
        self.shards.of(key).join(key.as_str())
    }
}

impl BlobStore for Folder {
    fn stage(&self, key: &ContentKey, offset: u64) -> Result<Box<dyn Staged>> {
        let from = self.staged_path(key);
        let file = OpenOptions::new().create(offset == 0).truncate(false).write(true).open(&from);
        let Some(mut file) = unless_missing(file)? else { return Err(too_short(key, 0, offset)) };
        let length = file.metadata()?.len();
        if length < offset {
            return Err(too_short(key, length, offset));
        }
        if length > offset {
            file.set_len(offset)?;
        }
        file.seek(SeekFrom::Start(offset))?;
        Ok(Box::new(StagedFile {
            file: Arc::new(file),
            from,
            key: key.clone(),
            shards: Arc::clone(&self.shards),
            reserve: self.reserve,
            write_back: Arc::clone(&self.write_back),
            length: offset,
            begun: offset,
            // Whoever wrote the first bytes may have found space for more.
            allocated: if offset == 0 { 0 } else { u64::MAX },
        }))
    }

    fn open_staged(&self, key: &ContentKey) -> Result<File> {
        Ok(File::open(self.staged_path(key))?)
    }

    fn staged_size(&self, key: &ContentKey) -> Result<Option<u64>> {
        Ok(unless_missing(fs::metadata(self.staged_path(key)))?.map(|metadata| metadata.len()))
    }

    fn discard_staged(&self, key: &ContentKey) -> Result<()> {
        unless_missing(fs::remove_file(self.staged_path(key))).map(drop)
    }

    fn staged(&self) -> Result<Vec<ContentKey>> {
        keys_in(&self.staged)
    }

    fn published(&self, part: u8) -> Result<Vec<ContentKey>> {
        let shard = unless_missing(fs::read_dir(self.shards.part(part)))?;
        shard.map_or_else(|| Ok(Vec::new()), keys_of)
    }

    fn open(&self, key: &ContentKey) -> Result<Option<File>> {
        unless_missing(File::open(self.content_path(key)))
    }

    fn size(&self, key: &ContentKey) -> Result<Option<u64>> {
        Ok(unless_missing(fs::metadata(self.content_path(key)))?.map(|metadata| metadata.len()))
    }

    fn remove(&self, key: &ContentKey) -> Result<()> {
        unless_missing(fs::remove_file(self.content_path(key))).map(drop)
    }

    fn require_space(&self, bytes: u64) -> Result<()> {
        self.reserve.require(rustix::fs::statvfs(&self.staged), bytes)
    }
}

struct StagedFile {
    file: Arc<File>,
    from: PathBuf,
    key: ContentKey,
    shards: Arc<Shards>,
    reserve: Reserve,
    write_back: Arc<WriteBack>,
    length: u64,
    /// Up to where the kernel was told to begin.
    begun: u64,
    /// Up to where there is space, if that is beyond the end.
    allocated: u64,
}

impl StagedFile {
    /// Lets the kernel begin to write what it has collected, and finds space for what comes next: in one
    /// piece, and cheaper than a page at a time. Neither has to succeed.
    fn stride(&mut self) {
        self.write_back.begin(&self.file, self.begun, self.length - self.begun);
        self.begun = self.length;
        if self.reserve.require(rustix::fs::fstatvfs(&self.file), STRIDE).is_ok() {
            let keep_size = rustix::fs::FallocateFlags::KEEP_SIZE;
            if rustix::fs::fallocate(&self.file, keep_size, self.length, STRIDE).is_ok() {
                self.allocated = self.length + STRIDE;
            }
        }
    }
}

impl Staged for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.reserve.require(rustix::fs::fstatvfs(&self.file), bytes.len() as u64)?;
        (&*self.file).write_all(bytes)?;
        self.length += bytes.len() as u64;
        if self.length - self.begun >= STRIDE {
            self.stride();
        }
        Ok(())
    }

    fn publish(self: Box<Self>) -> Result<()> {
        if self.allocated > self.length {
            // What was found and not needed is given back.
            self.file.set_len(self.length)?;
        }
        self.file.sync_all()?;
        let shard = self.shards.ensure(&self.key)?;
        let to = shard.join(self.key.as_str());
        fs::rename(&self.from, &to)?;
        sync_folder(&shard).map_err(|error| {
            // Published is only what is durable. If this fails too, the next start looks for it.
            let _ = fs::remove_file(&to);
            error.into()
        })
    }
}

fn keys_in(directory: &Path) -> Result<Vec<ContentKey>> {
    keys_of(fs::read_dir(directory)?)
}

fn keys_of(entries: fs::ReadDir) -> Result<Vec<ContentKey>> {
    let mut keys = Vec::new();
    for entry in entries {
        keys.extend(entry?.file_name().to_str().and_then(ContentKey::parse));
    }
    Ok(keys)
}

impl Reserve {
    /// Refuses to write into the reserve.
    fn require(self, disk: rustix::io::Result<rustix::fs::StatVfs>, wanted: u64) -> Result<()> {
        let disk = disk.map_err(io::Error::from)?;
        let reserve = self.0.min(disk.f_blocks.saturating_mul(disk.f_frsize) / 8);
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < reserve.saturating_add(wanted) {
            return Err(StoreError::Full(format!("{free} bytes are free, of which {reserve} are kept back")));
        }
        Ok(())
    }
}

fn too_short(key: &ContentKey, length: u64, offset: u64) -> StoreError {
    StoreError::Damaged(format!("of {key}, {length} bytes are staged where there should be {offset}"))
}

fn unless_missing<T>(result: io::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
