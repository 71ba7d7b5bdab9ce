//! How long a connection may keep the server waiting for a request.
//!
//! hyper's own timer for heads starts at the end of the request before, so it takes a connection
//! that is merely idle for one that dribbles. This one knows the difference: an idle connection has
//! one time, and a head another, from its first byte.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Counts the beginnings and ends of a connection's requests: odd while one is answered.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<AtomicUsize>);

impl Turns {
    /// Notes that a head is complete, or its answer.
    pub(super) fn next(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

/// A stream that ends when no request, or not all of its head, comes in time.
pub(super) struct Patient<S> {
    stream: S,
    turns: Turns,
    /// The turn that the deadline belongs to.
    turn: usize,
    deadline: Pin<Box<Sleep>>,
    head_begun: bool,
    idle: Duration,
    head: Duration,
    /// Runs while the client takes nothing of an answer.
    stalled: Option<Pin<Box<Sleep>>>,
    stall: Duration,
}

impl<S> Patient<S> {
    /// Waits so long between requests, so long for a head once it has begun, and so long for a
    /// client that takes nothing of its answer.
    pub(super) fn new(stream: S, turns: Turns, idle: Duration, head: Duration, stall: Duration) -> Self {
        let deadline = Box::pin(tokio::time::sleep(head));
        Self { stream, turns, turn: 0, deadline, head_begun: false, idle, head, stalled: None, stall }
    }

    /// Lets a write that makes no progress fail in the end.
    fn patiently<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stall = self.stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        stalled.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        let turn = this.turns.count();
        if turn % 2 == 1 {
            // A body; who serves the request has patience of its own.
            return read;
        }
        if turn != this.turn {
            (this.turn, this.head_begun) = (turn, false);
            this.deadline.as_mut().reset(Instant::now() + this.idle);
        }
        match read {
            Poll::Ready(_) if buffer.filled().len() > before && !this.head_begun => {
                this.head_begun = true;
                this.deadline.as_mut().reset(Instant::now() + this.head);
                read
            }
            Poll::Ready(_) => read,
            // Ending the stream is what the client should have done.
            Poll::Pending => this.deadline.as_mut().poll(context).map(Ok),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.patiently(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.patiently(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.patiently(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn patient() -> (Patient<DuplexStream>, DuplexStream, Turns) {
        let ((near, far), turns) = (duplex(64), Turns::default());
        (Patient::new(near, turns.clone(), 75 * SECOND, 30 * SECOND, 60 * SECOND), far, turns)
    }

    /// Reads one byte; the seconds after which the stream ended instead.
    async fn ended_after(patient: &mut Patient<DuplexStream>) -> Option<u64> {
        let start = Instant::now();
        let read = patient.read(&mut [0; 1]).await.unwrap();
        (read == 0).then(|| start.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_its_time_from_its_first_byte() {
        let (mut patient, mut far, _) = patient();
        tokio::time::sleep(20 * SECOND).await;
        far.write_all(b"GE").await.unwrap();
        assert_eq!(ended_after(&mut patient).await, None);
        tokio::time::sleep(20 * SECOND).await;
        assert_eq!(ended_after(&mut patient).await, None, "the second byte does not start it anew");
        assert_eq!(ended_after(&mut patient).await, Some(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_may_be_idle_for_longer() {
        let (mut patient, mut far, turns) = patient();
        far.write_all(b"12").await.unwrap();
        assert_eq!(ended_after(&mut patient).await, None);
        turns.next();
        turns.next();
        assert_eq!(ended_after(&mut patient).await, None);
        assert_eq!(ended_after(&mut patient).await, Some(30), "the next head had begun");
        turns.next();
        turns.next();
        assert_eq!(ended_after(&mut patient).await, Some(75));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_of_its_answer_is_given_up() {
        let (mut patient, mut far, _) = patient();
        let start = Instant::now();
        let refusal = patient.write_all(&[0; 1000]).await.unwrap_err();
        assert_eq!((refusal.kind(), start.elapsed().as_secs()), (io::ErrorKind::TimedOut, 60));
        let (mut patient, mut slow, _) = self::patient();
        let reading = tokio::spawn(async move {
            for _ in 0..20 {
                tokio::time::sleep(50 * SECOND).await;
                slow.read_exact(&mut [0; 50]).await.unwrap();
            }
        });
        patient.write_all(&[0; 1000]).await.unwrap();
        reading.await.unwrap();
        far.shutdown().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_not_timed_here() {
        let (mut patient, far, turns) = patient();
        turns.next();
        let read = tokio::time::timeout(1_000 * SECOND, patient.read(&mut [0; 1])).await;
        assert!(read.is_err());
        drop(far);
    }
}
