//! How long a connection may wait before it sends a request, and how long and large a request's head may be.
//!
//! hyper's timer for heads starts when the request before ends. So it cannot tell an idle connection from one
//! that sends a head slowly. The timer here can: an idle connection has one time
//! limit, and a head has another from its first byte.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::connection::Connection;
use super::framing::Framing;
use super::turns::Turns;
use crate::config::Limits;

/// How many bytes of a head are read at once. hyper reserves that much memory, and more once it has received
/// more.
const PIECE: usize = 8 << 10;

/// How many bytes are read at once of a body that is slow, or too small for an own thread.
const SLOW_PIECE: usize = 16 << 10;

/// With this many requests at once, the large pieces together cost more memory than they are worth.
const CROWD: usize = 256;

/// A stream that ends if a request, or the rest of its head, does not arrive in time.
pub(super) struct Patient<S> {
    stream: S,
    turns: Turns,
    framing: Framing,
    connection: Connection,
    /// The turn that the deadline is for.
    turn: usize,
    deadline: Instant,
    /// Set to the deadline only when nothing arrives. Most heads arrive in one piece.
    timer: Pin<Box<Sleep>>,
    /// How many bytes of the next head have arrived.
    head: usize,
    /// A byte that was read while a node answered: the first of the next request.
    ahead: Option<u8>,
    bounds: Bounds,
    /// Runs while the client accepts no bytes of an answer.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Whether no further request is read.
    closing: bool,
}

/// The limits that a connection keeps.
struct Bounds {
    /// The longest head of a request, in bytes.
    head_bytes: usize,
    /// The longest time for the head of a request.
    header_read: Duration,
    /// The longest time between two requests.
    idle: Duration,
    /// The longest pause while an answer is read.
    stall: Duration,
}

impl<S> Patient<S> {
    /// Applies the limits to the time between requests, to heads that have begun, and to clients that do not
    /// read their answer.
    pub(super) fn new(stream: S, turns: Turns, connection: Connection, limits: &Limits) -> Self {
        let &Limits { header_read, idle, body_stall: stall, .. } = limits;
        let bounds = Bounds { head_bytes: limits.head_bytes(), header_read, idle, stall };
        let deadline = Instant::now() + header_read;
        let timer = Box::pin(tokio::time::sleep_until(deadline));
        Self {
            stream,
            turns,
            framing: Framing::default(),
            connection,
            turn: 0,
            deadline,
            timer,
            head: 0,
            ahead: None,
            bounds,
            stalled: None,
            closing: false,
        }
    }

    /// Lets a write fail if it makes no progress for too long.
    fn patiently<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stall = self.bounds.stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        stalled.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> Patient<S> {
    /// Reads more of a head, but never more bytes than a head may have, because hyper keeps them all.
    fn read_head(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let left = self.bounds.head_bytes.saturating_sub(self.head);
        // If nothing is left of the limit, the head was too large. Bytes after that are not kept.
        let most = if self.closing || left == 0 { usize::MAX } else { left.min(PIECE) };
        self.read_at_most(most, context, buffer)
    }

    /// Reads more of a body. The handler of the request has its own limit of time.
    fn read_body(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // The number is a little less than a power of two, so that hyper's buffer does not grow beyond that power.
        let Connection { thread, requests, .. } = &self.connection;
        let is_fast = thread.is_here() && requests.len() < CROWD;
        let most = if is_fast { usize::MAX } else { SLOW_PIECE - 1 };
        self.read_at_most(most, context, buffer)
    }

    fn read_at_most(
        &mut self,
        most: usize,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(ahead) = self.ahead.take() {
            buffer.put_slice(&[ahead]);
            return Poll::Ready(Ok(()));
        }
        if buffer.remaining() <= most {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let mut piece = ReadBuf::new(buffer.initialize_unfilled_to(most));
        let read = Pin::new(&mut self.stream).poll_read(context, &mut piece);
        let length = piece.filled().len();
        buffer.advance(length);
        read
    }

    /// Whether the client has disconnected while a node answers it. Nothing else would notice that. A client of
    /// this server's own protocols may close its sending half. A node, however, must not work for a client that
    /// is gone.
    fn is_gone(&mut self, context: &mut Context<'_>) -> bool {
        if !self.turns.is_watched() || self.ahead.is_some() {
            return false;
        }
        let mut byte = [0];
        let mut piece = ReadBuf::new(&mut byte);
        match Pin::new(&mut self.stream).poll_read(context, &mut piece) {
            Poll::Pending => false,
            Poll::Ready(Err(_)) => true,
            Poll::Ready(Ok(())) => {
                self.ahead = piece.filled().first().copied();
                self.ahead.is_none()
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = self.read_next(context, buffer);
        self.turns.receive(buffer.filled().len() - before);
        if let Some(head) = self.framing.follow(&buffer.filled()[before..]) {
            self.turns.says_twice(head + 1);
        }
        read
    }
}

impl<S: AsyncRead + Unpin> Patient<S> {
    fn read_next(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (turn, is_answered) = self.turns.standing();
        if is_answered {
            return self.read_body(context, buffer);
        }
        if turn != self.turn {
            (self.turn, self.head) = (turn, 0);
            self.deadline = Instant::now() + self.bounds.idle;
        }
        if self.head > 0 && !self.closing {
            // The head is incomplete. Most heads arrive in one piece, and are not counted.
            self.connection.guest.head_takes(self.head.next_power_of_two().max(PIECE));
        }
        let before = buffer.filled().len();
        let read = self.read_head(context, buffer);
        let more = buffer.filled().len() - before;
        if more > 0 && self.head == 0 {
            self.deadline = Instant::now() + self.bounds.header_read;
        }
        self.head += more;
        if read.is_pending() {
            if self.timer.deadline() != self.deadline {
                let deadline = self.deadline;
                self.timer.as_mut().reset(deadline);
            }
            // If the time is over, ending the stream looks as if the client had closed it.
            return self.timer.as_mut().poll(context).map(Ok);
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<S> {
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
        if matches!(flushed, Poll::Ready(Ok(()))) && self.is_gone(context) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        self.patiently(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.closing = true;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::endpoint::tunnel::Tunnel;
    use crate::http::connections::Connections;
    use crate::http::listener::Gate;
    use crate::http::own_thread::{OwnThread, Threads};

    const SECOND: Duration = Duration::from_secs(1);

    fn patient() -> (Patient<DuplexStream>, DuplexStream, Turns) {
        let ((near, far), turns) = (duplex(64 << 10), Turns::default());
        let guest = Arc::new(Connections::new(1, 1)).open([192, 0, 2, 1].into(), &[]).unwrap();
        let connection = Connection {
            thread: OwnThread::new(Threads::default()),
            guest: Arc::new(guest),
            requests: TaskTracker::new(),
            gate: Gate::default(),
            tunnel: Tunnel::default(),
        };
        (Patient::new(near, turns.clone(), connection, &Limits::default()), far, turns)
    }

    /// Reads one byte. Returns the seconds after which the stream ended, or `None` if a byte came.
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
        drop(turns.begin());
        assert_eq!(ended_after(&mut patient).await, None);
        assert_eq!(ended_after(&mut patient).await, Some(30), "the next head had begun");
        drop(turns.begin());
        assert_eq!(ended_after(&mut patient).await, Some(75));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_of_its_answer_is_given_up() {
        let (mut patient, mut far, _) = patient();
        let start = Instant::now();
        let refusal = patient.write_all(&vec![0; 100_000]).await.unwrap_err();
        assert_eq!((refusal.kind(), start.elapsed().as_secs()), (io::ErrorKind::TimedOut, 60));
        let (mut patient, mut slow, _) = self::patient();
        let reading = tokio::spawn(async move {
            for _ in 0..20 {
                tokio::time::sleep(50 * SECOND).await;
                slow.read_exact(&mut [0; 5_000]).await.unwrap();
            }
        });
        patient.write_all(&vec![0; 100_000]).await.unwrap();
        reading.await.unwrap();
        far.shutdown().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_not_timed_here() {
        let (mut patient, far, turns) = patient();
        let _turn = turns.begin();
        let read = tokio::time::timeout(1_000 * SECOND, patient.read(&mut [0; 1])).await;
        assert!(read.is_err());
        drop(far);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_leaves_while_it_is_to_wait_is_noticed() {
        let (mut patient, mut far, turns) = patient();
        let turn = turns.begin();
        turn.watch();
        far.write_all(b"G").await.unwrap();
        patient.flush().await.unwrap();
        patient.flush().await.unwrap();
        drop(turn);
        let mut came = [0; 2];
        assert_eq!(patient.read(&mut came).await.unwrap(), 1);
        assert_eq!(came[0], b'G', "what came early is not lost");
        let turn = turns.begin();
        drop(far);
        patient.flush().await.unwrap();
        turn.watch();
        assert_eq!(patient.flush().await.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_is_read_than_a_head_may_have() {
        let (mut patient, mut far, turns) = patient();
        let limit = Limits::default().head_bytes();
        let sending = tokio::spawn(async move {
            far.write_all(&vec![0; 2 * limit]).await.unwrap();
            far
        });
        let (mut piece, mut head) = (vec![0; 128 << 10], 0);
        while head < limit {
            let read = patient.read(&mut piece).await.unwrap();
            assert!(read <= PIECE);
            head += read;
        }
        assert_eq!(head, limit);
        let _turn = turns.begin();
        while head < 2 * limit {
            head += patient.read(&mut piece).await.unwrap();
        }
        drop(sending.await.unwrap());
    }
}
