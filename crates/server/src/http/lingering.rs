//! Closes a connection without losing the last answer.
//!
//! An answer may be sent before a body is read (401, 413). If bytes of the body are unread when the socket is
//! closed, the kernel sends a reset, and the client may never see the answer. So after the last answer, further
//! bytes are read and discarded for a while.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::endpoint::tunnel::Tunnel;

/// The most bytes that are discarded, and the length of a silence after which the client is assumed to have read
/// the answer.
const LIMIT: usize = 32 << 20;
const QUIET: Duration = Duration::from_millis(250);

/// A connection that reads to the end when it is shut down.
pub(super) struct Lingering<S> {
    stream: S,
    /// An open tunnel reads the bytes itself.
    tunnel: Tunnel,
    /// Runs during the shutdown, and restarts with every byte.
    quiet: Option<Pin<Box<Sleep>>>,
    thrown_away: usize,
    at_end: bool,
}

impl<S> Lingering<S> {
    pub(super) fn new(stream: S, tunnel: Tunnel) -> Self {
        Self { stream, tunnel, quiet: None, thrown_away: 0, at_end: false }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        self.at_end = read.is_err() || (buffer.filled().len() == before && buffer.remaining() > 0);
        Poll::Ready(read)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.tunnel.is_open() {
            return Pin::new(&mut self.stream).poll_shutdown(context);
        }
        if self.quiet.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.quiet = Some(Box::pin(tokio::time::sleep(QUIET)));
        }
        let mut piece = [0; 16 << 10];
        while !self.at_end && self.thrown_away < LIMIT {
            let mut buffer = ReadBuf::new(&mut piece);
            match self.as_mut().poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) => {
                    self.thrown_away += buffer.filled().len();
                    self.quiet = Some(Box::pin(tokio::time::sleep(QUIET)));
                }
                Poll::Ready(Err(_)) => break,
                Poll::Pending => match &mut self.quiet {
                    Some(quiet) => {
                        ready!(quiet.as_mut().poll(context));
                        break;
                    }
                    None => break,
                },
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn shutting_down_reads_what_still_comes() {
        let (server, mut client) = duplex(1024);
        let mut server = Lingering::new(server, Tunnel::default());
        let sending = tokio::spawn(async move {
            client.write_all(&vec![7; 100_000]).await.unwrap();
            client.shutdown().await.unwrap();
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await.unwrap();
            answer
        });
        server.write_all(b"answer").await.unwrap();
        server.shutdown().await.unwrap();
        assert_eq!(server.thrown_away, 100_000);
        assert_eq!(sending.await.unwrap(), b"answer");
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends() {
        let (server, client) = duplex(1024);
        Lingering::new(server, Tunnel::default()).shutdown().await.unwrap();
        drop(client);
    }
}
