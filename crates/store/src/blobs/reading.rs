//! Content that is being read.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use tokio::task::spawn_blocking;

/// How many bytes of a file are read at once. They should still be in the processor's cache when they are used.
const PIECE: u64 = 256 << 10;

/// Bytes in pieces.
pub type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Open content.
pub struct Reading {
    /// The size of the whole content in bytes.
    pub size: u64,
    /// The requested bytes.
    pub bytes: Read,
}

/// Bytes to read.
pub enum Read {
    /// A range of a local file.
    File(FileRange),
    /// A stream from elsewhere. If it ends without an error, it was complete.
    Stream(ByteStream),
}

/// A range of a file.
pub struct FileRange {
    /// The file.
    pub file: File,
    /// The range, in bytes.
    pub range: Range<u64>,
}

impl Read {
    /// The bytes as a stream.
    pub fn into_stream(self) -> ByteStream {
        match self {
            Self::File(part) => Box::pin(stream::unfold(Some(part), next)),
            Self::Stream(stream) => stream,
        }
    }
}

/// The next piece of a file, and the range after it; `None` at the end and after an error.
async fn next(left: Option<FileRange>) -> Option<(io::Result<Bytes>, Option<FileRange>)> {
    let part = left.filter(|part| !part.range.is_empty())?;
    let read = spawn_blocking(move || read_piece(part)).await;
    Some(match read.unwrap_or_else(|error| Err(io::Error::other(error))) {
        Ok((piece, left)) => (Ok(piece), Some(left)),
        Err(error) => (Err(error), None),
    })
}

fn read_piece(FileRange { mut file, range }: FileRange) -> io::Result<(Bytes, FileRange)> {
    let length = (range.end - range.start).min(PIECE);
    file.seek(SeekFrom::Start(range.start))?;
    let mut piece = vec![0; usize::try_from(length).unwrap_or_default()];
    file.read_exact(&mut piece)?;
    Ok((piece.into(), FileRange { file, range: range.start + length..range.end }))
}
