//! Writes content into a folder: the file grows, is synced, and is renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;

use async_trait::async_trait;
use gangplank_oci::Hasher;
use tokio::task::spawn_blocking;

use super::folder::done;
use super::local_files::{LocalFiles, Shared};
use super::{BlobWriter, Checkpoint, ContentKey, Held};
use crate::durable_file::sync_folder;
use crate::reserve::Reserve;
use crate::{Result, StoreError};

/// Each time that this many bytes were added, the kernel is asked to write them to the disk, and to reserve
/// space for as many more.
const STRIDE: u64 = 8 << 20;

/// While the disk has plenty of space, the space is checked again after this many bytes.
const LOOK: u64 = 1 << 20;

/// This much free space above the reserve is plenty: a thousand files can grow by [`LOOK`] before the next check.
const PLENTY: u64 = 1 << 30;

/// A file that is being written. It is opened with the first byte, or when it is published empty.
pub struct LocalWriter {
    files: LocalFiles,
    key: ContentKey,
    /// The hash of all bytes, also of those that are held.
    hasher: Hasher,
    open: Option<Open>,
    /// The last bytes, which are written when the content is published.
    held: Option<Held>,
}

struct Open {
    file: Arc<File>,
    length: u64,
    /// The end of the bytes that the kernel was asked to write.
    begun: u64,
    /// The end of the reserved space, if it is beyond the end of the file.
    allocated: u64,
    /// Up to this length, the file may grow without another check of the space.
    spacious: u64,
}

impl LocalWriter {
    /// Continues after the bytes that `hasher` has read.
    pub(super) fn new(files: &LocalFiles, key: &ContentKey, hasher: Hasher) -> Self {
        Self { files: files.clone(), key: key.clone(), hasher, open: None, held: None }
    }

    /// Opens the file and cuts it off after `offset` bytes.
    fn open(folder: &Shared, key: &ContentKey, offset: u64) -> Result<Open> {
        let mut options = OpenOptions::new();
        let from = folder.staged_path(key);
        let file = options.create(offset == 0).truncate(false).write(true).mode(0o600).open(from);
        let Some(mut file) = folder.presence.unless_missing(file)? else {
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
        Ok(Open {
            file: Arc::new(file),
            length: offset,
            begun: offset,
            // The writer of the first bytes may have reserved space.
            allocated: if offset == 0 { 0 } else { u64::MAX },
            spacious: offset,
        })
    }

    /// The hash of all bytes so far.
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// Writes the next piece.
    ///
    /// # Errors
    /// As [`BlobWriter::write`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let LocalFiles { shared, reserve } = &self.files;
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(Self::open(shared, &self.key, self.hasher.hashed())?),
        };
        open.write(shared, *reserve, bytes)?;
        self.hasher.update(bytes);
        Ok(())
    }

    /// Makes all bytes durable and publishes the content.
    ///
    /// # Errors
    /// As [`BlobWriter::commit`].
    pub fn publish(self) -> Result<ContentKey> {
        let Self { files: LocalFiles { shared: folder, reserve }, key, hasher, open, held } = self;
        let held = held.as_ref().map_or(&[][..], |held| (**held).as_ref());
        let mut open = match open {
            Some(open) => open,
            None => Self::open(&folder, &key, hasher.hashed() - held.len() as u64)?,
        };
        if !held.is_empty() {
            open.write(&folder, reserve, held)?;
        }
        let Open { file, length, allocated, .. } = open;
        if allocated > length {
            // Releases reserved space that was not needed.
            file.set_len(length)?;
        }
        file.sync_all()?;
        let explain = |error| folder.presence.explain(error);
        let shard = folder.shards.ensure(&key).map_err(explain)?;
        let to = shard.join(key.as_str());
        fs::rename(folder.staged_path(&key), &to).map_err(explain)?;
        match sync_folder(&shard) {
            Ok(()) => Ok(key),
            Err(error) => {
                // The new name is not durable, so it must not stay. If the removal fails too, the next start
                // finds an orphan.
                let _ = fs::remove_file(&to);
                Err(error.into())
            }
        }
    }
}

impl Open {
    fn write(&mut self, folder: &Shared, reserve: Reserve, bytes: &[u8]) -> Result<()> {
        let length = self.length + bytes.len() as u64;
        if length > self.spacious {
            let disk = rustix::fs::fstatvfs(&self.file).map_err(io::Error::from)?;
            reserve.require(&disk, bytes.len() as u64)?;
            self.spacious = if reserve.require(&disk, PLENTY).is_ok() { length + LOOK } else { length };
        }
        (&*self.file).write_all(bytes)?;
        self.length = length;
        if self.length - self.begun >= STRIDE {
            self.stride(folder, reserve);
        }
        Ok(())
    }

    /// Lets the kernel begin to write the collected pages, and reserves space for the next ones. One large
    /// extent is cheaper than a page at a time. Failures do no harm.
    fn stride(&mut self, folder: &Shared, reserve: Reserve) {
        folder.write_back.begin(&self.file, self.begun, self.length - self.begun);
        self.begun = self.length;
        #[cfg(target_os = "linux")]
        let has_space = |disk: rustix::fs::StatVfs| reserve.require(&disk, STRIDE).is_ok();
        // Only Linux can reserve space beyond the end of a file.
        #[cfg(target_os = "linux")]
        if rustix::fs::fstatvfs(&self.file).is_ok_and(has_space) {
            let keep_size = rustix::fs::FallocateFlags::KEEP_SIZE;
            if rustix::fs::fallocate(&self.file, keep_size, self.length, STRIDE).is_ok() {
                self.allocated = self.length + STRIDE;
            }
        }
    }
}

#[async_trait]
impl BlobWriter for LocalWriter {
    fn blocks(&self) -> bool {
        true
    }

    fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    async fn ready(&mut self) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Self::write(self, bytes)
    }

    fn hold(&mut self, last: Held) -> Result<()> {
        self.hasher.update((*last).as_ref());
        self.held = Some(last);
        Ok(())
    }

    /// No byte is synced before the end, so no checkpoint would survive a crash.
    fn progress(&mut self) -> Option<Checkpoint> {
        None
    }

    async fn suspend(self: Box<Self>) -> Result<Checkpoint> {
        Ok(Checkpoint {
            received: self.hasher.hashed(),
            hash_state: self.hasher.state().unwrap_or_default(),
            keys: Vec::new(),
            opaque: self.files.shared.run.clone(),
        })
    }

    async fn commit(self: Box<Self>) -> Result<ContentKey> {
        done(spawn_blocking(move || self.publish()).await)
    }
}

fn too_short(key: &ContentKey, length: u64, offset: u64) -> StoreError {
    StoreError::damaged(format!("of {key}, {length} bytes are staged where there should be {offset}"))
}
