//! Bytes that are in no part yet. A few stay in memory, more go into a file.

use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use gangplank_s3::{Crc64, Crc64Hasher, Guard, Payload, WholeChecksum};
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::scratch::{Scratch, ScratchFile};
use crate::{Result, StoreError};

/// How many bytes stay in memory.
const IN_MEMORY: usize = 256 << 10;

/// How many bytes of the file are read at once.
const AT_ONCE: usize = 256 << 10;

/// Bytes that can only be appended to.
pub(super) struct Piece {
    scratch: Arc<Scratch>,
    bytes: Vec<u8>,
    /// If there is a file, it contains all bytes, and memory none.
    file: Option<ScratchFile>,
    length: u64,
    /// The checksum of all bytes. It is computed while they are in the processor's cache.
    crc: Crc64Hasher,
}

impl Piece {
    pub(super) fn new(scratch: &Arc<Scratch>) -> Self {
        Self {
            scratch: Arc::clone(scratch),
            bytes: Vec::new(),
            file: None,
            length: 0,
            crc: Crc64Hasher::default(),
        }
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if self.file.is_none() && self.bytes.len() + bytes.len() <= IN_MEMORY {
            self.bytes.extend_from_slice(bytes);
        } else {
            let file = match self.file.take() {
                Some(file) => file,
                None => {
                    let file = ScratchFile::new(&self.scratch)?;
                    file.write(&self.bytes, 0)?;
                    self.bytes = Vec::new();
                    file
                }
            };
            file.write(bytes, self.length)?;
            self.file = Some(file);
        }
        self.length += bytes.len() as u64;
        self.crc.update(bytes);
        Ok(())
    }

    /// Appends the bytes of another piece. Blocks on files.
    pub(super) fn append_piece(&mut self, other: &Piece) -> Result<()> {
        other.each(|bytes| self.append(bytes))
    }

    /// Passes the bytes to `take`, in order. Blocks on files.
    fn each(&self, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let Some(file) = &self.file else { return take(&self.bytes) };
        let mut piece = vec![0; AT_ONCE];
        let mut at = 0;
        while at < self.length {
            let count = usize::try_from(self.length - at).unwrap_or(AT_ONCE).min(AT_ONCE);
            file.file().read_exact_at(&mut piece[..count], at)?;
            take(&piece[..count])?;
            at += count as u64;
        }
        Ok(())
    }

    /// The checksum with which the server checks the bytes. SHA-256 blocks on files.
    pub(super) fn guard(&self, checksum: WholeChecksum) -> Result<Guard> {
        Ok(match checksum {
            WholeChecksum::Crc64 => Guard::Crc64(self.crc()),
            WholeChecksum::None => {
                let mut hash = Sha256::new();
                self.each(|bytes| {
                    hash.update(bytes);
                    Ok(())
                })?;
                Guard::Sha256(hash.finalize().into())
            }
        })
    }

    /// The CRC-64/NVME of the bytes.
    pub(super) fn crc(&self) -> Crc64 {
        self.crc.finish()
    }

    /// The MD5, which many servers use as entity tag. Blocks on files.
    pub(super) fn md5(&self) -> Result<[u8; 16]> {
        let mut hash = Md5::new();
        self.each(|bytes| {
            hash.update(bytes);
            Ok(())
        })?;
        Ok(hash.finalize().into())
    }

    /// The bytes as the body of a request.
    pub(super) fn payload(&self) -> Payload {
        match &self.file {
            Some(file) => Payload::File { file: Arc::clone(file.file()), offset: 0, length: self.length },
            None => Payload::Bytes(Bytes::copy_from_slice(&self.bytes)),
        }
    }
}

/// Runs work that waits for a local disk on a thread that may block.
pub(super) async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(StoreError::unavailable(error.to_string())))
}
