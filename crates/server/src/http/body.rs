//! The bodies of answers.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

/// The body of any answer.
pub(crate) type AnswerBody = Either<Full<Bytes>, FileBody>;

/// How much is read from a file at once.
const PIECE: u64 = 256 << 10;

/// Part of a file, read one piece ahead of the socket. Between pieces it holds no thread, so a
/// client that reads slowly costs memory for two pieces and nothing else.
pub(crate) struct FileBody {
    file: Arc<File>,
    /// Where the piece after the one being read starts.
    next: u64,
    end: u64,
    /// Bytes not yet handed out.
    left: u64,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl FileBody {
    /// The `length` bytes of `file` from `start`.
    pub(crate) fn new(file: File, start: u64, length: u64) -> Self {
        let end = start.saturating_add(length);
        let mut body = Self { file: Arc::new(file), next: start, end, left: length, reading: None };
        body.read_ahead();
        body
    }

    fn read_ahead(&mut self) {
        let size = PIECE.min(self.end - self.next);
        if size == 0 {
            return;
        }
        let (file, offset) = (Arc::clone(&self.file), self.next);
        self.next += size;
        self.reading = Some(spawn_blocking(move || {
            let mut piece = BytesMut::zeroed(usize::try_from(size).unwrap_or_default());
            file.read_exact_at(&mut piece, offset)?;
            Ok(piece.freeze())
        }));
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let piece =
            ready!(Pin::new(reading).poll(context)).unwrap_or_else(|error| Err(io::Error::other(error)));
        self.reading = None;
        if let Ok(bytes) = &piece {
            self.left -= bytes.len() as u64;
            self.read_ahead();
        }
        Poll::Ready(Some(piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
