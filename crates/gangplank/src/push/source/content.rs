//! Bytes that can be read from any offset, as often as an upload needs.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;

use crate::system::read_exact_at;

/// The bytes of a blob: in memory if there are few, else a part of a file.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// The bytes themselves.
    Memory(Bytes),
    /// `size` bytes of a file from `start` on.
    File {
        /// The file.
        file: Arc<File>,
        /// The offset of the first byte.
        start: u64,
        /// The length, in bytes.
        size: u64,
    },
}

impl Content {
    /// The whole of a file.
    pub(crate) fn of(file: File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Self::File { file: Arc::new(file), start: 0, size })
    }

    /// The offset of these bytes in their file. `None` if they are in memory.
    pub(crate) fn start(&self) -> Option<u64> {
        match self {
            Self::Memory(_) => None,
            Self::File { start, .. } => Some(*start),
        }
    }

    /// The number of bytes.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File { size, .. } => *size,
        }
    }

    /// Reads at most `most` bytes from `offset` on. Blocks.
    pub(crate) fn read_at(&self, offset: u64, most: usize) -> io::Result<Bytes> {
        let left = self.size().saturating_sub(offset);
        let length = usize::try_from(left).map_or(most, |left| left.min(most));
        match self {
            Self::Memory(bytes) => {
                let from = usize::try_from(offset).unwrap_or(bytes.len()).min(bytes.len());
                Ok(bytes.slice(from..from + length))
            }
            Self::File { file, start, .. } => {
                let mut piece = vec![0; length];
                read_exact_at(file, &mut piece, start + offset)?;
                Ok(piece.into())
            }
        }
    }

    /// Reads everything, if that is at most `limit` bytes. Blocks.
    pub(crate) fn whole(&self, limit: usize) -> Result<Bytes> {
        let size = self.size();
        ensure!(size <= limit as u64, "it has {size} bytes, and more than {limit} are not read");
        self.read_at(0, limit).context("cannot be read")
    }

    /// A reader from the first to the last byte. Blocks.
    pub(crate) fn reader(&self) -> impl Read + Send + 'static {
        Reader { content: self.clone(), offset: 0 }
    }
}

struct Reader {
    content: Content,
    offset: u64,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.content.size().saturating_sub(self.offset);
        let length = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        match &self.content {
            Content::Memory(_) => {
                buffer[..length].copy_from_slice(&self.content.read_at(self.offset, length)?);
            }
            Content::File { file, start, .. } => {
                read_exact_at(file, &mut buffer[..length], start + self.offset)?;
            }
        }
        self.offset += length as u64;
        Ok(length)
    }
}
