//! The body of a request, in a form that can be sent again.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use gangplank_sigv4::Payload as Signed;
use rustix::buffer::spare_capacity;
use sha2::{Digest as _, Sha256};

use crate::Crc64;

/// The bytes of a request.
#[derive(Clone)]
pub enum Payload {
    /// Bytes in memory.
    Bytes(Bytes),
    /// Bytes in a file, which must not change meanwhile.
    File {
        /// The file.
        file: Arc<File>,
        /// The offset of the first byte.
        offset: u64,
        /// The number of bytes.
        length: u64,
    },
}

impl Payload {
    /// The number of bytes.
    pub fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { length, .. } => *length,
        }
    }

    /// Reads up to `count` bytes from an offset. Blocks while it reads the file.
    pub(crate) fn read(&self, from: u64, count: usize) -> io::Result<Bytes> {
        match self {
            Self::Bytes(bytes) => {
                let from = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.slice(from..bytes.len().min(from.saturating_add(count))))
            }
            Self::File { file, offset, length } => {
                let left = usize::try_from(length.saturating_sub(from)).unwrap_or(usize::MAX);
                let count = count.min(left);
                // Zeroed memory would be written twice.
                let mut piece = Vec::with_capacity(count);
                while piece.len() < count {
                    let at = offset + from + piece.len() as u64;
                    if rustix::io::pread(file, spare_capacity(&mut piece), at)? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                piece.truncate(count);
                Ok(piece.into())
            }
        }
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

/// How a server can verify that a payload arrived unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// By its SHA-256, which is signed. Real servers verify it.
    Sha256([u8; 32]),
    /// By its CRC-64/NVME in a signed header. It is cheaper, and only for servers that verify it.
    Crc64(Crc64),
}

impl Guard {
    /// A guard by the SHA-256 of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::Sha256(Sha256::digest(bytes).into())
    }

    pub(crate) fn signed(self) -> Signed {
        match self {
            Self::Sha256(hash) => Signed::Sha256(hash),
            Self::Crc64(_) => Signed::Unsigned,
        }
    }
}
