//! Sends files in place of their placeholders.

use std::io;
use std::task::{Context, Poll, ready};

#[cfg(target_os = "linux")]
use rustix::fs::sendfile;

use super::Socket;
use crate::http::sending::Parts;

impl Socket {
    /// Sends at most `most` bytes of the next part of a file. Only an own thread does this, because reading the file
    /// may block.
    pub(super) fn poll_send(&mut self, context: &mut Context<'_>, most: usize) -> Poll<io::Result<usize>> {
        loop {
            let thread = self.thread.clone();
            let sent = self.write_here(most, |stream| match thread.parts() {
                Some(parts) => {
                    Ok(parts.send(most, |file, at, length| sendfile(&*stream, file, Some(at), length))?)
                }
                None => Ok(0),
            })?;
            match sent {
                // The file has become shorter.
                Some(0) => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                Some(sent) => {
                    if thread.parts().is_some_and(Parts::are_sent) {
                        thread.leave();
                    }
                    return Poll::Ready(Ok(sent));
                }
                None => {}
            }
            ready!(self.waiting()?.poll_write_ready(context))?;
            if !ready!(self.thread.poll_enter(context)) {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
        }
    }
}

/// Other systems than Linux have no placeholders, so nothing has to be sent there.
#[cfg(not(target_os = "linux"))]
fn sendfile(
    _: &std::net::TcpStream,
    _: &std::fs::File,
    _: Option<&mut u64>,
    _: usize,
) -> rustix::io::Result<usize> {
    Err(rustix::io::Errno::NOSYS)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{self, Write as _};
    use std::pin::Pin;
    use std::sync::Arc;

    use bytes::Buf as _;
    use tokio::io::{AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _};

    use crate::http::own_thread::{OwnThread, Threads};
    use crate::http::sending::Piece;
    use crate::http::socket::tests::{LENGTH, connected, content};
    use crate::http::socket::{PATIENCE, Socket};

    /// A file with four copies of the content.
    fn file() -> Arc<std::fs::File> {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&content().repeat(4)).expect("a file");
        Arc::new(file)
    }

    async fn send(socket: &mut Socket, mut piece: Piece) -> io::Result<()> {
        while piece.has_remaining() {
            let slices = [io::IoSlice::new(piece.chunk()), io::IoSlice::new(b"never")];
            let sent =
                std::future::poll_fn(|context| Pin::new(&mut *socket).poll_write_vectored(context, &slices));
            piece.advance(sent.await?);
        }
        Ok(())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn parts_of_a_file_arrive_whole_though_the_client_pauses() {
        let thread = OwnThread::new(Threads::default());
        let (mut socket, mut client) = connected(&thread).await;
        let inside = thread.clone();
        let serving = async move {
            socket.write_all(b"head").await.unwrap();
            let (file, middle, all) = (file(), 5 << 20, 4 * LENGTH as u64);
            for part in [0..middle, middle..all] {
                let piece = inside.parts().unwrap().add(&file, part);
                send(&mut socket, piece).await.unwrap();
            }
            assert!(inside.is_here() && !inside.parts().unwrap().end());
            inside.leave();
            socket.write_all(b"tail").await.unwrap();
            socket.shutdown().await.unwrap();
        };
        let reading = tokio::spawn(async move {
            let (mut came, mut piece) = (Vec::new(), vec![0; 100_000]);
            loop {
                match client.read(&mut piece).await.unwrap() {
                    0 => return came,
                    read => came.extend_from_slice(&piece[..read]),
                }
                if came.len() % 7 == 0 {
                    tokio::time::sleep(PATIENCE * 4).await;
                }
            }
        });
        thread.run(Box::pin(serving)).await.unwrap();
        let whole = [b"head".to_vec(), content().repeat(4), b"tail".to_vec()].concat();
        assert!(reading.await.unwrap() == whole, "other bytes came");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_last_part_gives_the_thread_back_and_a_part_beyond_the_file_fails() {
        let thread = OwnThread::new(Threads::default());
        let (mut socket, client) = connected(&thread).await;
        let inside = thread.clone();
        let serving = async move {
            let (file, parts) = (file(), inside.parts().unwrap());
            let piece = parts.add(&file, 3..10_003);
            assert!(parts.end(), "the part is still to be sent");
            send(&mut socket, piece).await.unwrap();
            assert!(!inside.is_here());
            let beyond = 4 * LENGTH as u64;
            let piece = parts.add(&file, beyond..beyond + 1);
            send(&mut socket, piece).await.map_err(|error| error.kind())
        };
        let served = thread.run(Box::pin(serving)).await;
        assert_eq!(served, Some(Err(io::ErrorKind::UnexpectedEof)));
        drop(client);
    }
}
