//! The bodies of answers.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

/// The body of any answer.
pub(crate) type AnswerBody = Either<Full<Bytes>, FileBody>;

/// How much is read from a file at once, and how many pieces may wait to be sent.
const PIECE: usize = 256 << 10;
const AHEAD: usize = 2;

/// Part of a file, read by a thread of its own a little ahead of the socket.
pub(crate) struct FileBody {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    left: u64,
}

impl FileBody {
    /// The `length` bytes of `file` from `start`.
    pub(crate) fn new(file: File, start: u64, length: u64) -> Self {
        let (sender, pieces) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = read(file, start, length, &sender) {
                let _ = sender.blocking_send(Err(error));
            }
        });
        Self { pieces, left: length }
    }
}

fn read(
    mut file: File,
    start: u64,
    mut left: u64,
    pieces: &mpsc::Sender<io::Result<Bytes>>,
) -> io::Result<()> {
    file.seek(SeekFrom::Start(start))?;
    while left > 0 {
        let size = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let mut piece = BytesMut::zeroed(size);
        file.read_exact(&mut piece)?;
        left -= size as u64;
        if pieces.blocking_send(Ok(piece.freeze())).is_err() {
            // The reader went away.
            return Ok(());
        }
    }
    Ok(())
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let piece = ready!(self.pieces.poll_recv(context));
        if let Some(Ok(bytes)) = &piece {
            self.left -= bytes.len() as u64;
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
