//! Bytes in a folder.
//!
//! ```text
//! id                  to which database it belongs; kept by whoever opens the store, looked for here
//! staged/<key>        content on its way in
//! content/<ab>/<key>  published content; <ab> are the last two digits of the key, which are random. These
//!                     shards are made when the first content comes into them
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::presence::Presence;
use super::shards::Shards;
use super::write_back::WriteBack;
use super::{BlobStore, ContentKey, Space, Staged};
use crate::durable_file::{folder_of, make_folder, sync_folder};
use crate::reserve::Reserve;
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
    presence: Arc<Presence>,
    reserve: Reserve,
    write_back: Arc<WriteBack>,
}

impl Folder {
    /// Opens the folder, making it if it is missing.
    ///
    /// # Errors
    /// If a directory cannot be made or synced.
    pub fn open(root: &Path) -> Result<Self> {
        let mut folder = Self::open_to_read(root);
        make_folder(&folder.staged)?;
        let content = root.join("content");
        make_folder(&content)?;
        folder.shards = Arc::new(Shards::open(content)?);
        folder.presence = Arc::new(Presence::of(root));
        sync_folder(root)?;
        sync_folder(folder_of(root))?;
        Ok(folder)
    }

    /// Leaves so many bytes of the disk free, or of a small disk an eighth.
    #[must_use]
    pub fn with_reserve(self, bytes: u64) -> Self {
        Self { reserve: Reserve(bytes), ..self }
    }

    fn disk(&self) -> Result<rustix::fs::StatVfs> {
        rustix::fs::statvfs(&self.staged).map_err(|error| self.presence.explain(error.into()))
    }

    /// The folder of a server that may be running, to be read. Makes nothing.
    pub fn open_to_read(root: &Path) -> Self {
        let shards = Arc::new(Shards::new(root.join("content")));
        Self {
            staged: root.join("staged"),
            shards,
            presence: Arc::new(Presence::unknown(root)),
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

    fn keys_in(&self, directory: &Path) -> Result<Vec<ContentKey>> {
        let entries = self.presence.unless_missing(fs::read_dir(directory))?;
        entries.map_or_else(|| Ok(Vec::new()), keys_of)
    }
}

impl BlobStore for Folder {
    fn stage(&self, key: &ContentKey, offset: u64) -> Result<Box<dyn Staged>> {
        let from = self.staged_path(key);
        let mut options = OpenOptions::new();
        let file = options.create(offset == 0).truncate(false).write(true).mode(0o600).open(&from);
        let Some(mut file) = self.presence.unless_missing(file)? else {
            return Err(too_short(key, 0, offset));
        };
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
            presence: Arc::clone(&self.presence),
            reserve: self.reserve,
            write_back: Arc::clone(&self.write_back),
            length: offset,
            begun: offset,
            // Whoever wrote the first bytes may have found space for more.
            allocated: if offset == 0 { 0 } else { u64::MAX },
        }))
    }

    fn open_staged(&self, key: &ContentKey) -> Result<File> {
        File::open(self.staged_path(key)).map_err(|error| self.presence.explain(error))
    }

    fn staged_size(&self, key: &ContentKey) -> Result<Option<u64>> {
        Ok(self.presence.unless_missing(fs::metadata(self.staged_path(key)))?.map(|metadata| metadata.len()))
    }

    fn discard_staged(&self, key: &ContentKey) -> Result<()> {
        self.presence.unless_missing(fs::remove_file(self.staged_path(key))).map(drop)
    }

    fn staged(&self) -> Result<Vec<ContentKey>> {
        self.keys_in(&self.staged)
    }

    fn published(&self, part: u8) -> Result<Vec<ContentKey>> {
        self.keys_in(&self.shards.part(part))
    }

    fn open(&self, key: &ContentKey) -> Result<Option<File>> {
        self.presence.unless_missing(File::open(self.content_path(key)))
    }

    fn size(&self, key: &ContentKey) -> Result<Option<u64>> {
        Ok(self.presence.unless_missing(fs::metadata(self.content_path(key)))?.map(|metadata| metadata.len()))
    }

    fn remove(&self, key: &ContentKey) -> Result<()> {
        self.presence.unless_missing(fs::remove_file(self.content_path(key))).map(drop)
    }

    fn space(&self) -> Result<Space> {
        Ok(self.reserve.space(&self.disk()?))
    }

    fn require_space(&self, bytes: u64) -> Result<()> {
        self.reserve.require(&self.disk()?, bytes)
    }
}

struct StagedFile {
    file: Arc<File>,
    from: PathBuf,
    key: ContentKey,
    shards: Arc<Shards>,
    presence: Arc<Presence>,
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
        #[cfg(target_os = "linux")]
        let has_space = |disk: rustix::fs::StatVfs| self.reserve.require(&disk, STRIDE).is_ok();
        // Elsewhere what is found becomes a part of the file.
        #[cfg(target_os = "linux")]
        if rustix::fs::fstatvfs(&self.file).is_ok_and(has_space) {
            let keep_size = rustix::fs::FallocateFlags::KEEP_SIZE;
            if rustix::fs::fallocate(&self.file, keep_size, self.length, STRIDE).is_ok() {
                self.allocated = self.length + STRIDE;
            }
        }
    }
}

impl Staged for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let disk = rustix::fs::fstatvfs(&self.file).map_err(io::Error::from)?;
        self.reserve.require(&disk, bytes.len() as u64)?;
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
        let explain = |error| self.presence.explain(error);
        let shard = self.shards.ensure(&self.key).map_err(explain)?;
        let to = shard.join(self.key.as_str());
        fs::rename(&self.from, &to).map_err(explain)?;
        sync_folder(&shard).map_err(|error| {
            // Published is only what is durable. If this fails too, the next start looks for it.
            let _ = fs::remove_file(&to);
            error.into()
        })
    }
}

fn keys_of(entries: fs::ReadDir) -> Result<Vec<ContentKey>> {
    let mut keys = Vec::new();
    for entry in entries {
        keys.extend(entry?.file_name().to_str().and_then(ContentKey::parse));
    }
    Ok(keys)
}

fn too_short(key: &ContentKey, length: u64, offset: u64) -> StoreError {
    StoreError::damaged(format!("of {key}, {length} bytes are staged where there should be {offset}"))
}
