//! Content on its way into a folder: a file that grows, is synced, and gets its name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;

use async_trait::async_trait;
use gangplank_oci::Hasher;
use tokio::task::spawn_blocking;

use super::folder::done;
use super::local_files::{LocalFiles, Shared};
use super::{BlobWriter, Checkpoint, ContentKey};
use crate::durable_file::sync_folder;
use crate::reserve::Reserve;
use crate::{Result, StoreError};

/// How many bytes are written before the kernel is told to begin to write them, and to find space for as many
/// more.
const STRIDE: u64 = 8 << 20;

/// A file on its way. It is opened when the first byte comes, or when it is published without one.
pub struct LocalWriter {
    files: LocalFiles,
    key: ContentKey,
    hasher: Hasher,
    open: Option<Open>,
}

struct Open {
    file: Arc<File>,
    length: u64,
    /// Up to where the kernel was told to begin.
    begun: u64,
    /// Up to where there is space, if that is beyond the end.
    allocated: u64,
}

impl LocalWriter {
    /// Goes on behind what `hasher` has seen.
    pub(super) fn new(files: &LocalFiles, key: &ContentKey, hasher: Hasher) -> Self {
        Self { files: files.clone(), key: key.clone(), hasher, open: None }
    }

    /// Opens the file, cut off behind the bytes that count.
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
            // Whoever wrote the first bytes may have found space for more.
            allocated: if offset == 0 { 0 } else { u64::MAX },
        })
    }

    /// The hash of all bytes so far.
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// Writes the next piece.
    ///
    /// # Errors
    /// As of [`BlobWriter::write`].
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

    /// Makes everything written durable and publishes it.
    ///
    /// # Errors
    /// As of [`BlobWriter::commit`].
    pub fn publish(self) -> Result<ContentKey> {
        let Self { files: LocalFiles { shared: folder, .. }, key, hasher, open } = self;
        let Open { file, length, allocated, .. } = match open {
            Some(open) => open,
            None => Self::open(&folder, &key, hasher.hashed())?,
        };
        if allocated > length {
            // What was found and not needed is given back.
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
                // Published is only what is durable. If this fails too, the next start looks for it.
                let _ = fs::remove_file(&to);
                Err(error.into())
            }
        }
    }
}

impl Open {
    fn write(&mut self, folder: &Shared, reserve: Reserve, bytes: &[u8]) -> Result<()> {
        let disk = rustix::fs::fstatvfs(&self.file).map_err(io::Error::from)?;
        reserve.require(&disk, bytes.len() as u64)?;
        (&*self.file).write_all(bytes)?;
        self.length += bytes.len() as u64;
        if self.length - self.begun >= STRIDE {
            self.stride(folder, reserve);
        }
        Ok(())
    }

    /// Lets the kernel begin to write what it has collected, and finds space for what comes next: in one
    /// piece, and cheaper than a page at a time. Neither has to succeed.
    fn stride(&mut self, folder: &Shared, reserve: Reserve) {
        folder.write_back.begin(&self.file, self.begun, self.length - self.begun);
        self.begun = self.length;
        #[cfg(target_os = "linux")]
        let has_space = |disk: rustix::fs::StatVfs| reserve.require(&disk, STRIDE).is_ok();
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

    /// Nothing is synced before the end, so nothing counts across a crash.
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
