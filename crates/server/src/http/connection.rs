//! One connection, from its first byte to its last request.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::error::Elapsed;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::body::AnswerBody;
use super::lingering::Lingering;
use super::own_thread::OwnThread;
use super::patience::{Patient, Turns};
use super::socket::Socket;
use super::to_the_end::{Panicked, ToTheEnd};
use super::{dispatch, hygiene};
use crate::app::App;

/// The first byte of a TLS handshake record.
const TLS_HANDSHAKE: u8 = 0x16;

/// What is buffered of one connection at the most. Larger reads make pushes faster; heads are held
/// to their own, smaller limit by [`super::hygiene`].
const BUFFER: usize = 128 << 10;

/// Docker and containerd try TLS first, and fall back to plain HTTP only on a parseable answer.
const PLAIN_HTTP_ONLY: &[u8] =
    b"HTTP/1.1 400 Bad Request: this port speaks plain HTTP\r\nContent-Type: text/plain\r\nContent-Length: 41\r\n\
    Connection: close\r\n\r\nThis port speaks plain HTTP and not TLS.\n";

pub(crate) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    app: Arc<App>,
    watcher: Watcher,
    stop: CancellationToken,
) {
    // Answers are small and awaited: do not hold them back to fill a packet.
    let _ = stream.set_nodelay(true);
    let patience = app.limits.header_read;
    let thread = OwnThread::new(app.threads.clone());
    let opened = async {
        match tls {
            Some(tls) => {
                let socket = Socket::new(stream, thread.clone());
                Opened::Tls(tokio::time::timeout(patience, tls.accept(socket)).await)
            }
            None => Opened::Plain(tokio::time::timeout(patience, first_byte(&stream)).await, stream),
        }
    };
    // Nothing was asked yet, so there is nothing to finish.
    let opened = tokio::select! {
        () = stop.cancelled() => return,
        opened = opened => opened,
    };
    match opened {
        Opened::Tls(Ok(Ok(stream))) => serve_http(stream, thread, peer, app, watcher).await,
        Opened::Tls(Ok(Err(error))) => tracing::debug!(%peer, %error, "TLS handshake failed"),
        Opened::Tls(Err(_)) => tracing::debug!(%peer, "TLS handshake took too long"),
        Opened::Plain(Ok(Some(TLS_HANDSHAKE)), stream) => refuse_tls(stream).await,
        Opened::Plain(Ok(Some(_)), stream) => {
            serve_http(Socket::new(stream, thread.clone()), thread, peer, app, watcher).await;
        }
        Opened::Plain(..) => {}
    }
}

/// A connection that has begun to speak, or has not in time.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it does not stay")]
enum Opened {
    Tls(Result<io::Result<TlsStream<Socket>>, Elapsed>),
    Plain(Result<Option<u8>, Elapsed>, TcpStream),
}

/// Looks at the first byte without taking it.
async fn first_byte(stream: &TcpStream) -> Option<u8> {
    let mut first = [0];
    matches!(stream.peek(&mut first).await, Ok(1)).then_some(first[0])
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

async fn serve_http<S>(stream: S, thread: OwnThread, peer: SocketAddr, app: Arc<App>, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let turns = Turns::default();
    let limits = &app.limits;
    let stream = Patient::new(stream, turns.clone(), limits.idle, limits.header_read, limits.body_stall);
    let headers = limits.headers;
    let here = thread.clone();
    let service = service_fn(move |request| {
        let (app, turns, here) = (Arc::clone(&app), turns.clone(), here.clone());
        turns.next();
        async move {
            let answer = answer_to_the_end(app, peer, here, request).await;
            turns.next();
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        // hyper answers more with 431.
        .max_headers(headers)
        .max_buf_size(BUFFER)
        // Who has sent a request and closed that half still gets the answer.
        .half_close(true)
        .serve_connection(TokioIo::new(Lingering::new(stream)), service);
    if let Some(Err(error)) = thread.run(watcher.watch(connection)).await {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

/// Answers a request, also if the client goes away meanwhile.
async fn answer_to_the_end(
    app: Arc<App>,
    peer: SocketAddr,
    thread: OwnThread,
    request: Request<Incoming>,
) -> Response<AnswerBody> {
    let requests = app.requests.clone();
    let has_body = !request.body().is_end_stream();
    let answering =
        ToTheEnd::new(&requests, async move { dispatch::answer(&app, peer, &thread, request).await });
    let answer = answering.await.unwrap_or_else(|Panicked| {
        tracing::error!(%peer, "a request ended badly");
        hygiene::refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal error").into_response()
    });
    if has_body {
        // hyper closes a connection whose body was not read, and has to see that before it writes the
        // answer, which otherwise would not say so.
        tokio::task::yield_now().await;
    }
    answer
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
