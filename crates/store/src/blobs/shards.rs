//! The directories for published content. Each is made when it is first needed, since making all 256 would take
//! most of the time of a first start.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::ContentKey;
use crate::durable_file::sync_folder;

pub(super) struct Shards {
    content: PathBuf,
    /// For each directory, whether it exists and survives a power cut.
    durable: [AtomicBool; 256],
    making: Mutex<()>,
}

impl Shards {
    /// Directories in `content` about which nothing is known yet.
    pub(super) fn new(content: PathBuf) -> Self {
        Self { content, durable: std::array::from_fn(|_| AtomicBool::new(false)), making: Mutex::default() }
    }

    /// Directories in the existing folder `content`. Directories that are found are made durable.
    pub(super) fn open(content: PathBuf) -> io::Result<Self> {
        let shards = Self::new(content);
        let found: Vec<_> = fs::read_dir(&shards.content)?.collect::<io::Result<_>>()?;
        sync_folder(&shards.content)?;
        for entry in found {
            let name = entry.file_name();
            let number = name.to_str().filter(|name| name.len() == 2);
            if let Some(Ok(number)) = number.map(|name| u8::from_str_radix(name, 16)) {
                shards.durable[usize::from(number)].store(true, Ordering::Release);
            }
        }
        Ok(shards)
    }

    /// The directory of a part. It may not exist.
    pub(super) fn part(&self, number: u8) -> PathBuf {
        self.content.join(format!("{number:02x}"))
    }

    /// The directory of a key. It may not exist.
    pub(super) fn of(&self, key: &ContentKey) -> PathBuf {
        self.part(key.part())
    }

    /// Makes and syncs the directory of a key. One call at a time does this, so that no other call relies on a
    /// directory before it is synced.
    pub(super) fn ensure(&self, key: &ContentKey) -> io::Result<PathBuf> {
        let path = self.of(key);
        let durable = &self.durable[usize::from(key.part())];
        let is_durable = || durable.load(Ordering::Acquire);
        if is_durable() {
            return Ok(path);
        }
        let _one_at_a_time = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if is_durable() {
            return Ok(path);
        }
        make_anew(&path)?;
        sync_folder(&self.content).inspect_err(|_| {
            // A later successful sync would not prove that this entry is durable, so the entry is removed. If
            // that fails too, the next call removes it.
            let _ = fs::remove_dir(&path);
        })?;
        durable.store(true, Ordering::Release);
        Ok(path)
    }
}

/// Makes a directory. If an empty one exists, it was made before a failed sync. It is removed and made again,
/// so that the next sync includes it. A directory with content was not made here; it may have been restored
/// while the server ran.
fn make_anew(path: &Path) -> io::Result<()> {
    let create = || fs::DirBuilder::new().mode(0o700).create(path);
    let again = match create() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::remove_dir(path),
        made => return made,
    };
    match again {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        Err(error) => Err(error),
        Ok(()) => create(),
    }
}
