//! The bodies of answers.

use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use gangplank_store::blobs::{ByteStream, FileRange, Read};
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use super::own_thread::OwnThread;
use super::sending::{self, Parts, Piece};
use crate::endpoint::answer_body::NodeBody;

/// The body of any answer.
pub(crate) enum AnswerBody {
    /// Bytes in memory.
    Small(Full<Bytes>),
    /// Part of a file.
    File(FileBody),
    /// Bytes from another source than a file, such as a bucket.
    Stream(StreamBody),
    /// The answer of a service's node.
    Node(NodeBody),
}

/// How many bytes are read from a file at once. They stay in the processor's cache until they are sent.
const PIECE: u64 = 256 << 10;

/// A range of a file. A range that is larger than one piece is sent on the connection's own thread. If the socket can
/// send files, the kernel sends the range. Otherwise the thread sends each piece before it reads the next one. A slow
/// client keeps no thread.
pub(crate) struct FileBody {
    file: Arc<File>,
    /// The offset of the next piece.
    next: u64,
    /// How many bytes are still to be handed out.
    left: u64,
    thread: OwnThread,
    /// The buffer of the last piece. It is reused once the piece is sent.
    piece: Arc<Vec<u8>>,
    /// The reading of a range that fits into one piece.
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

/// A piece that is being sent. Its buffer can be reused once nobody holds it.
struct Lent(Arc<Vec<u8>>);

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A known number of bytes from a stream, passed on as they arrive.
pub(crate) struct StreamBody {
    stream: ByteStream,
    /// How many bytes are still to arrive.
    left: u64,
}

impl AnswerBody {
    /// `length` bytes of content from a file or a stream. The connection may move to `thread`.
    pub(crate) fn of(bytes: Read, length: u64, thread: &OwnThread) -> Self {
        match bytes {
            Read::File(FileRange { file, range }) => {
                Self::File(FileBody::new(file, range.start, length, thread))
            }
            Read::Stream(stream) => Self::Stream(StreamBody { stream, left: length }),
        }
    }
}

impl FileBody {
    /// `length` bytes of `file` from the offset `start`.
    fn new(file: File, start: u64, length: u64, thread: &OwnThread) -> Self {
        let file = Arc::new(file);
        let reading = (1..=PIECE).contains(&length).then(|| {
            let file = Arc::clone(&file);
            spawn_blocking(move || read(&file, start, vec![0; size(length)]).map(Bytes::from))
        });
        Self { file, next: start, left: length, thread: thread.clone(), piece: Arc::default(), reading }
    }

    /// Reads the next piece, or leaves the reading to the socket. This may block.
    fn next_here(&mut self) -> io::Result<Piece> {
        let Some(parts) = self.thread.parts() else { return self.read_here().map(Piece::from) };
        let part = self.next..self.next + self.left.min(sending::LONGEST as u64);
        Ok(parts.add(&self.file, part))
    }

    fn read_here(&mut self) -> io::Result<Bytes> {
        let length = size(self.left.min(PIECE));
        // If the last piece is not sent yet, because the client is slow, a new buffer is made.
        let mut piece = Arc::get_mut(&mut self.piece).map(std::mem::take).unwrap_or_default();
        piece.resize(length, 0);
        self.piece = Arc::new(read(&self.file, self.next, piece)?);
        Ok(Bytes::from_owner(Lent(Arc::clone(&self.piece))))
    }
}

fn size(length: u64) -> usize {
    usize::try_from(length).unwrap_or_default()
}

fn read(file: &File, offset: u64, mut piece: Vec<u8>) -> io::Result<Vec<u8>> {
    file.read_exact_at(&mut piece, offset)?;
    Ok(piece)
}

fn in_pieces<E>(frame: Poll<Option<Result<Frame<Bytes>, E>>>) -> Poll<Option<Result<Frame<Piece>, E>>> {
    frame.map_ok(|frame| frame.map_data(Piece::from))
}

impl Body for AnswerBody {
    type Data = Piece;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, io::Error>>> {
        match self.get_mut() {
            Self::Small(body) => {
                in_pieces(Pin::new(body).poll_frame(context)).map_err(|never: Infallible| match never {})
            }
            Self::File(body) => Pin::new(body).poll_frame(context),
            Self::Stream(body) => Pin::new(body).poll_frame(context),
            Self::Node(body) => in_pieces(Pin::new(body).poll_frame(context)),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Small(body) => body.is_end_stream(),
            Self::File(body) => body.is_end_stream(),
            Self::Stream(body) => body.is_end_stream(),
            Self::Node(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Small(body) => body.size_hint(),
            Self::File(body) => body.size_hint(),
            Self::Stream(body) => body.size_hint(),
            Self::Node(body) => body.size_hint(),
        }
    }
}

impl Body for FileBody {
    type Data = Piece;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, io::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let piece = if let Some(reading) = &mut self.reading {
            let read = ready!(Pin::new(reading).poll(context));
            read.unwrap_or_else(|error| Err(io::Error::other(error))).map(Piece::from)
        } else if ready!(self.thread.poll_enter(context)) {
            self.next_here()
        } else {
            Err(io::ErrorKind::BrokenPipe.into())
        };
        if let Ok(piece) = &piece {
            let length = piece.remaining();
            self.next += length as u64;
            self.left -= length as u64;
            self.thread.carried(length);
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

impl Body for StreamBody {
    type Data = Piece;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, io::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(match ready!(self.stream.as_mut().poll_next(context)) {
            // An error breaks the connection, so the client notices that the content is not complete.
            None => Err(io::ErrorKind::UnexpectedEof.into()),
            Some(piece) => piece.map(|mut piece| {
                piece.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left -= piece.len() as u64;
                Frame::data(piece.into())
            }),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

impl Drop for FileBody {
    fn drop(&mut self) {
        // The whole body was handed out, or the body was abandoned. The connection keeps its thread only until the
        // socket has sent all parts.
        if !self.thread.parts().is_some_and(Parts::end) {
            self.thread.leave();
        }
    }
}
