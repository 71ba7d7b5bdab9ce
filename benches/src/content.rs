//! The content of pushes: random bytes, different each time, so that no registry has them already.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use sha2::{Digest as _, Sha256};

const PIECE: usize = 1 << 20;

/// A file of random bytes. Its beginning changes with each run.
pub(crate) struct RandomFile {
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
    /// The digest of the current content. Empty until it is needed.
    digest: std::cell::OnceCell<String>,
}

/// Random bytes.
pub(crate) fn random(size: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; size];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("no random bytes: {error}"))?;
    Ok(bytes)
}

impl RandomFile {
    pub(crate) fn create(path: &Path, size: u64) -> Result<Self> {
        let mut file = File::create(path)?;
        let piece = random(PIECE)?;
        let mut left = size;
        for number in 0_u64.. {
            let length = usize::try_from(left.min(PIECE as u64))?;
            if length == 0 {
                break;
            }
            // The same piece again, except for eight bytes, so that every file system has to store it again.
            let mut piece = piece[..length].to_vec();
            let mark = number.to_le_bytes();
            let marked = mark.len().min(length);
            piece[..marked].copy_from_slice(&mark[..marked]);
            file.write_all(&piece)?;
            left -= length as u64;
        }
        file.sync_all()?;
        Ok(Self { path: path.to_owned(), size, digest: std::cell::OnceCell::new() })
    }

    /// Turns it into another file of the same size.
    pub(crate) fn renew(&mut self) -> Result<()> {
        let file = OpenOptions::new().write(true).open(&self.path)?;
        file.write_all_at(&random(16.min(usize::try_from(self.size)?))?, 0)?;
        self.digest = std::cell::OnceCell::new();
        Ok(())
    }

    /// Writes another file of the same size, and deletes it. Its pages in the page cache are then free, and the host
    /// of a virtual machine has already provided them. Otherwise the host would do that page by page during the
    /// measurement, which costs a third of the speed for any writer. Afterwards the file itself is cached too.
    pub(crate) fn warm_memory(&self) -> Result<()> {
        let copy = self.path.with_extension("warm");
        std::fs::copy(&self.path, &copy)?;
        File::open(&copy)?.sync_all()?;
        Ok(std::fs::remove_file(copy)?)
    }

    pub(crate) fn open(&self) -> Result<File> {
        Ok(File::open(&self.path)?)
    }

    /// The digest of the current content.
    pub(crate) fn digest(&self) -> Result<&str> {
        if let Some(digest) = self.digest.get() {
            return Ok(digest);
        }
        let (digest, _) = self.hash()?;
        Ok(self.digest.get_or_init(|| digest))
    }

    /// Hashes the file in this thread. Returns the digest and the time.
    pub(crate) fn hash(&self) -> Result<(String, Duration)> {
        let (mut file, mut hash, mut piece) = (self.open()?, Sha256::new(), vec![0; PIECE]);
        let start = Instant::now();
        loop {
            match file.read(&mut piece)? {
                0 => break,
                read => hash.update(&piece[..read]),
            }
        }
        Ok((format!("sha256:{}", hex::encode(hash.finalize())), start.elapsed()))
    }
}
