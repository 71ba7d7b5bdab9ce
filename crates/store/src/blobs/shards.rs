//! The directories that published content is spread over, made when they are needed: to make all of them
//! is most of what a first start would do.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::ContentKey;
use super::folder::sync_directory;

pub(super) struct Shards {
    content: PathBuf,
    /// Whether each is there and survives power loss.
    durable: [AtomicBool; 256],
}

impl Shards {
    /// Those in `content`, of which nothing is known yet.
    pub(super) fn new(content: PathBuf) -> Self {
        Self { content, durable: std::array::from_fn(|_| AtomicBool::new(false)) }
    }

    /// Those in `content`, which is there. What is found in it is made durable.
    pub(super) fn open(content: PathBuf) -> io::Result<Self> {
        let shards = Self::new(content);
        let found: Vec<_> = fs::read_dir(&shards.content)?.collect::<io::Result<_>>()?;
        sync_directory(&shards.content)?;
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
        self.content.join(shard(key))
    }

    /// The same, made and synced. Whoever finds that another has just made it syncs it as well, since the
    /// other may not have come to that yet.
    pub(super) fn ensure(&self, key: &ContentKey) -> io::Result<PathBuf> {
        let path = self.of(key);
        let durable =
            u8::from_str_radix(shard(key), 16).ok().map(|number| &self.durable[usize::from(number)]);
        if durable.is_some_and(|durable| durable.load(Ordering::Acquire)) {
            return Ok(path);
        }
        make(&path)?;
        sync_directory(&self.content)?;
        if let Some(durable) = durable {
            durable.store(true, Ordering::Release);
        }
        Ok(path)
    }
}

fn make(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn shard(key: &ContentKey) -> &str {
    &key.as_str()[30..]
}
