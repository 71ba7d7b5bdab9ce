//! The body of a request while it is sent. It reads one piece ahead, on a thread that may block, and records
//! its progress.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::task::JoinHandle;

use crate::deadlines::Progress;
use crate::payload::Payload;

/// The bytes of a piece that is read and sent at once.
const PIECE: usize = 256 << 10;

/// A payload as the body of one request.
pub(crate) struct Sending {
    payload: Payload,
    /// The bytes that were read or are being read.
    read: u64,
    left: u64,
    ahead: Option<JoinHandle<io::Result<Bytes>>>,
    progress: Arc<Progress>,
}

impl Sending {
    pub(crate) fn new(payload: Payload, progress: Arc<Progress>) -> Self {
        let left = payload.length();
        Self { payload, read: 0, left, ahead: None, progress }
    }

    fn read_ahead(&mut self) {
        if self.ahead.is_none() && self.read < self.payload.length() {
            let (payload, from) = (self.payload.clone(), self.read);
            self.read = self.payload.length().min(from + PIECE as u64);
            self.ahead = Some(tokio::task::spawn_blocking(move || payload.read(from, PIECE)));
        }
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let piece = if let Payload::Bytes(bytes) = &self.payload {
            let from = bytes.len() - usize::try_from(self.left).unwrap_or_default();
            bytes.slice(from..bytes.len().min(from + PIECE))
        } else {
            self.read_ahead();
            let Some(ahead) = &mut self.ahead else { return Poll::Ready(None) };
            let piece = ready!(Pin::new(ahead).poll(context)).map_err(io::Error::other)?;
            self.ahead = None;
            piece?
        };
        self.left -= piece.len() as u64;
        self.progress.went_on();
        self.read_ahead();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
