//! The directories that published content is spread over, made when they are needed: to make all of them
//! is most of what a first start would do.

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
    /// Whether each is there and survives power loss.
    durable: [AtomicBool; 256],
    making: Mutex<()>,
}

impl Shards {
    /// Those in `content`, of which nothing is known yet.
    pub(super) fn new(content: PathBuf) -> Self {
        Self { content, durable: std::array::from_fn(|_| AtomicBool::new(false)), making: Mutex::default() }
    }

    /// Those in `content`, which is there. What is found in it is made durable.
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

    /// A shard by its number; it may not be there.
    pub(super) fn part(&self, number: u8) -> PathBuf {
        self.content.join(format!("{number:02x}"))
    }

    /// The directory of a key, which may not be there.
    pub(super) fn of(&self, key: &ContentKey) -> PathBuf {
        self.part(key.part())
    }

    /// The same, made and synced: by one at a time, so that nobody relies on what another has made and not
    /// yet synced.
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
            // A later sync that goes well would not tell of this entry. If this fails too, the next who
            // needs the shard removes it.
            let _ = fs::remove_dir(&path);
        })?;
        durable.store(true, Ordering::Release);
        Ok(path)
    }
}

/// Makes a directory. One that is there already and empty was made before a sync that failed, and an entry
/// that is written anew is synced anew. One with something in it is not of our making, such as one restored
/// under a running server.
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
