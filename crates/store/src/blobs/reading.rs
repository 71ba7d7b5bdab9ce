//! Content on its way out.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use tokio::task::spawn_blocking;

/// How much of a file is read at once: what stays in a processor's cache until it is used.
const PIECE: u64 = 256 << 10;

/// Bytes that come piece by piece.
pub type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Content that was opened.
pub struct Reading {
    /// How many bytes it has as a whole.
    pub size: u64,
    /// Those that were asked for.
    pub bytes: Read,
}

/// Bytes to be read.
pub enum Read {
    /// They are part of a local file.
    File(FileRange),
    /// They come from elsewhere. A stream that ends without an error has brought all of them.
    Stream(ByteStream),
}

/// Part of a file.
pub struct FileRange {
    /// The file.
    pub file: File,
    /// Which bytes of it.
    pub range: Range<u64>,
}

impl Read {
    /// The bytes as a stream, wherever they are.
    pub fn into_stream(self) -> ByteStream {
        match self {
            Self::File(part) => Box::pin(stream::unfold(Some(part), next)),
            Self::Stream(stream) => stream,
        }
    }
}

/// The next piece of a file, and what is left; nothing after an error.
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
