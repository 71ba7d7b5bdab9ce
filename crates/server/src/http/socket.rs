//! A TCP connection that waits for its socket where it runs: in the runtime, or by blocking its own thread.

mod files;

use std::io::{self, Read as _, Write as _};
use std::net;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::connections::Guest;
use super::own_thread::OwnThread;
use super::pace::Pace;
use super::sending::is_placeholder;

/// How long one call on an own thread waits for the client.
const PATIENCE: Duration = Duration::from_millis(10);

/// If a read asks for more bytes than this and returns fewer, the client is slower than the server.
const MUCH: usize = 32 << 10;

/// The most bytes of one read. They are still in the processor's cache when they are hashed and written.
const PIECE: usize = 256 << 10;

/// How many bytes a handshake counts at least, once its first bytes have arrived.
const HANDSHAKE: usize = 8 << 10;

/// A TCP connection. `thread` decides how it waits.
pub(super) struct Socket {
    stream: Stream,
    thread: OwnThread,
    /// Set during the TLS handshake: the connection's entry, and the handshake's bytes so far. TLS buffers
    /// them, as HTTP buffers an incomplete head.
    handshake: Option<(Arc<Guest>, usize)>,
}

enum Stream {
    Waiting(TcpStream),
    /// It is not registered in the runtime, which would wake up for all arriving bytes.
    Blocking(net::TcpStream, Pace),
    /// It could not be moved between the runtime and a thread.
    Lost,
}

impl Socket {
    /// A connection without TLS.
    pub(super) fn new(stream: TcpStream, thread: OwnThread) -> Self {
        // The kernel sends files for this program only on Linux.
        if cfg!(target_os = "linux") {
            thread.sends_files();
        }
        Self { stream: Stream::Waiting(stream), thread, handshake: None }
    }

    /// A connection that begins with a TLS handshake.
    pub(super) fn in_handshake(stream: TcpStream, thread: OwnThread, guest: Arc<Guest>) -> Self {
        Self { stream: Stream::Waiting(stream), thread, handshake: Some((guest, 0)) }
    }

    /// Records that the handshake is over.
    pub(super) fn has_shaken_hands(&mut self) {
        if let Some((guest, _)) = self.handshake.take() {
            guest.head_takes(0);
        }
    }

    /// The stream for blocking calls. `None` if this thread must not block.
    fn blocking(&mut self) -> io::Result<Option<(&mut net::TcpStream, &mut Pace)>> {
        if !self.thread.is_here() {
            return Ok(None);
        }
        if let Stream::Waiting(_) = self.stream
            && let Stream::Waiting(stream) = std::mem::replace(&mut self.stream, Stream::Lost)
        {
            let stream = stream.into_std()?;
            stream.set_nonblocking(false)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            self.stream = Stream::Blocking(stream, Pace::new(Instant::now()));
        }
        match &mut self.stream {
            Stream::Blocking(stream, pace) => Ok(Some((stream, pace))),
            _ => Err(lost()),
        }
    }

    /// The stream for the runtime.
    fn waiting(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        if let Stream::Blocking(..) = self.stream
            && let Stream::Blocking(stream, _) = std::mem::replace(&mut self.stream, Stream::Lost)
        {
            stream.set_nonblocking(true)?;
            self.stream = Stream::Waiting(TcpStream::from_std(stream)?);
        }
        match &mut self.stream {
            Stream::Waiting(stream) => Ok(Pin::new(stream)),
            _ => Err(lost()),
        }
    }

    /// Reads on this thread. `None` if this thread must not block, or if the client is so slow that the runtime has to
    /// wait for it.
    fn read_here(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<Option<()>> {
        let wanted = buffer.remaining().min(PIECE);
        while let Some((stream, pace)) = self.blocking()? {
            if let Some(rest) = pace.rest() {
                thread::sleep(rest);
            }
            let piece = buffer.initialize_unfilled_to(wanted);
            let read = unless_timed_out(|| stream.read(piece))?;
            let came = read.unwrap_or_default();
            let keeps_up = pace.keeps_up(came, wanted, Instant::now());
            if came < wanted.min(MUCH) && (!keeps_up || self.thread.others_wait()) {
                self.thread.leave();
            }
            if read.is_some() {
                buffer.advance(came);
                return Ok(read.map(drop));
            }
        }
        Ok(None)
    }

    /// Writes on this thread. `None` if this thread must not block, or if the client does not read, so that the runtime
    /// has to wait for it.
    fn write_here(
        &mut self,
        length: usize,
        mut write: impl FnMut(&mut net::TcpStream) -> io::Result<usize>,
    ) -> io::Result<Option<usize>> {
        let Some((stream, _)) = self.blocking()? else { return Ok(None) };
        let written = unless_timed_out(|| write(stream))?;
        if written.is_none_or(|written| written < length) {
            self.thread.leave();
        }
        Ok(written)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.read_here(buffer)?.is_some() {
            return Poll::Ready(Ok(()));
        }
        let Some((guest, came)) = &this.handshake else { return this.waiting()?.poll_read(context, buffer) };
        if *came > 0 {
            guest.head_takes(came.next_power_of_two().max(HANDSHAKE));
        }
        let before = buffer.filled().len();
        let read = this.waiting()?.poll_read(context, buffer);
        if let Some((_, came)) = &mut this.handshake {
            *came += buffer.filled().len() - before;
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if is_placeholder(bytes) {
            return this.poll_send(context, bytes.len());
        }
        if let Some(written) = this.write_here(bytes.len(), |stream| stream.write(bytes))? {
            return Poll::Ready(Ok(written));
        }
        this.waiting()?.poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let before = pieces.iter().position(|piece| is_placeholder(piece)).unwrap_or(pieces.len());
        let pieces = match pieces {
            [first, ..] if before == 0 => return this.poll_send(context, first.len()),
            _ => &pieces[..before],
        };
        let length = pieces.iter().map(|piece| piece.len()).sum();
        if let Some(written) = this.write_here(length, |stream| stream.write_vectored(pieces))? {
            return Poll::Ready(Ok(written));
        }
        this.waiting()?.poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The kernel already has all written bytes.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().waiting()?.poll_shutdown(context)
    }
}

/// Repeats a call that a signal interrupted. `None` if it timed out.
fn unless_timed_out<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<Option<T>> {
    loop {
        match call() {
            Ok(done) => return Ok(Some(done)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

fn lost() -> io::Error {
    io::Error::other("the connection was lost on its way between threads")
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::http::own_thread::Threads;

    pub(super) const LENGTH: usize = 3 << 20;

    pub(super) fn content() -> Vec<u8> {
        (0..LENGTH).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect()
    }

    pub(super) async fn connected(thread: &OwnThread) -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Socket::new(listener.accept().await.unwrap().0, thread.clone()), client)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn bytes_pass_while_the_socket_moves() {
        let thread = OwnThread::new(Threads::default());
        let (mut socket, client) = connected(&thread).await;
        let (mut from, mut to) = client.into_split();
        let sending = tokio::spawn(async move {
            for (number, piece) in content().chunks(100_000).enumerate() {
                if number % 8 == 0 {
                    // This is longer than an own thread waits.
                    tokio::time::sleep(PATIENCE * 4).await;
                }
                to.write_all(piece).await.unwrap();
            }
        });
        let echoed = tokio::spawn(async move {
            let mut echoed = Vec::new();
            from.read_to_end(&mut echoed).await.unwrap();
            echoed
        });
        let inside = thread.clone();
        let serving = async move {
            let (mut piece, mut here) = (vec![0; 64 << 10], 0);
            loop {
                assert!(inside.enter().await);
                let read = socket.read(&mut piece).await.unwrap();
                here += usize::from(inside.is_here());
                if read == 0 {
                    break;
                }
                socket.write_all(&piece[..read]).await.unwrap();
            }
            socket.shutdown().await.unwrap();
            here
        };
        assert!(thread.run(Box::pin(serving)).await.unwrap() > 0, "some of it was read on the thread");
        sending.await.unwrap();
        assert!(echoed.await.unwrap() == content(), "other bytes came back");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_client_that_takes_or_sends_nothing_holds_no_thread() {
        let thread = OwnThread::new(Threads::default());
        let (mut socket, client) = connected(&thread).await;
        let inside = thread.clone();
        let serving = async move {
            let mut left = Vec::new();
            assert!(inside.enter().await);
            let reading = tokio::time::timeout(PATIENCE * 20, socket.read(&mut [0; 10])).await;
            left.push(reading.is_err() && !inside.is_here());
            assert!(inside.enter().await);
            let writing = tokio::time::timeout(PATIENCE * 20, async {
                let piece = vec![0; 64 << 10];
                while socket.write(&piece).await.is_ok() {}
            });
            left.push(writing.await.is_err() && !inside.is_here());
            left
        };
        assert_eq!(thread.run(Box::pin(serving)).await, Some(vec![true, true]));
        drop(client);
    }
}
