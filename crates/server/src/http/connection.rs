//! One connection, from its first byte to its last request.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::dispatch;
use super::lingering::Lingering;
use crate::app::App;

/// The first byte of a TLS handshake record.
const TLS_HANDSHAKE: u8 = 0x16;

/// Headers in one request; hyper answers more with 431.
const MAX_HEADERS: usize = 100;

/// What is buffered of one connection at the most. Larger reads make pushes faster; heads are held
/// to their own, smaller limit by [`super::hygiene`].
const BUFFER: usize = 128 << 10;

/// Docker and containerd try TLS first, and fall back to plain HTTP only on a parseable answer.
const PLAIN_HTTP_ONLY: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 41\r\n\
    Connection: close\r\n\r\nThis port speaks plain HTTP and not TLS.\n";

pub(crate) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    app: Arc<App>,
    watcher: Watcher,
) {
    // Answers are small and awaited: do not hold them back to fill a packet.
    let _ = stream.set_nodelay(true);
    let patience = app.limits.header_read;
    match tls {
        Some(tls) => match tokio::time::timeout(patience, tls.accept(stream)).await {
            Ok(Ok(stream)) => serve_http(stream, peer, app, watcher).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
        },
        None => match tokio::time::timeout(patience, stream.peek(&mut [0; 1])).await {
            Ok(Ok(1..)) if speaks_tls(&stream).await => refuse_tls(stream).await,
            Ok(Ok(1..)) => serve_http(stream, peer, app, watcher).await,
            _ => {}
        },
    }
}

async fn speaks_tls(stream: &TcpStream) -> bool {
    let mut first = [0];
    matches!(stream.peek(&mut first).await, Ok(1)) && first[0] == TLS_HANDSHAKE
}

async fn refuse_tls(mut stream: TcpStream) {
    let mut hello = [0; 4096];
    // Unread bytes at close would make the kernel send a reset that overtakes the answer.
    let _ = stream.read(&mut hello).await;
    let _ = stream.write_all(PLAIN_HTTP_ONLY).await;
    let _ = stream.shutdown().await;
    let linger = async { while matches!(stream.read(&mut hello).await, Ok(1..)) {} };
    let _ = tokio::time::timeout(Duration::from_secs(1), linger).await;
}

async fn serve_http<S>(stream: S, peer: SocketAddr, app: Arc<App>, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let header_read = app.limits.header_read;
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Infallible>(dispatch::answer(&app, peer, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_read)
        .max_headers(MAX_HEADERS)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(Lingering::new(stream)), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_tls_says_its_own_length() {
        let text = std::str::from_utf8(PLAIN_HTTP_ONLY).unwrap();
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(text.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
    }
}
