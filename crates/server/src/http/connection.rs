//! One connection, from its first byte to its last request.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::client;
use super::connections::Guest;
use super::dispatch::Route;
use super::lingering::Lingering;
use super::listener::{Audience, Gate};
use super::own_thread::OwnThread;
use super::patience::Patient;
use super::record::Record;
use super::recorded::{Recorded, Underway};
use super::socket::Socket;
use super::turns::{Received, Turn, Turns};
use crate::app::App;
use crate::endpoint::tunnel::Tunnel;

/// The first byte of a TLS handshake record.
const TLS_HANDSHAKE: u8 = 0x16;

/// The most buffered bytes of one connection. Large reads make pushes faster. A request's head has its own,
/// smaller limit.
const BUFFER: usize = 128 << 10;

/// Docker and containerd try TLS first, and fall back to plain HTTP only on a parseable answer.
const PLAIN_HTTP_ONLY: &[u8] =
    b"HTTP/1.1 400 Bad Request: this port speaks plain HTTP\r\nContent-Type: text/plain\r\nContent-Length: 41\r\n\
    Connection: close\r\n\r\nThis port speaks plain HTTP and not TLS.\n";

/// The parts of a connection that its requests need.
#[derive(Clone)]
pub(crate) struct Connection {
    /// The thread that the connection moves to for a large body.
    pub(crate) thread: OwnThread,
    /// The entry of this connection in the table of open connections.
    pub(crate) guest: Arc<Guest>,
    /// The requests of all connections that are being answered.
    pub(super) requests: TaskTracker,
    /// Where the connection was accepted.
    pub(crate) gate: Gate,
    /// The tunnel that replaces HTTP once a node takes the connection over.
    pub(crate) tunnel: Tunnel,
}

pub(crate) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    (gate, tls): (Gate, Option<TlsAcceptor>),
    app: Arc<App>,
    guest: Arc<Guest>,
    stop: CancellationToken,
) {
    // Answers are small and the client waits for them. Do not delay them to fill a packet.
    let _ = stream.set_nodelay(true);
    let mut connection = Connection {
        thread: OwnThread::new(app.threads.clone()),
        guest,
        requests: app.requests.clone(),
        gate,
        tunnel: Tunnel::default(),
    };
    // There are thousands of connections that only wait. So each step has its own box, whose memory is freed
    // when the step ends.
    let opening =
        Box::pin(tokio::time::timeout(app.limits.header_read, open(stream, tls, connection.clone())));
    // There was no request yet, so a stop can end the connection.
    let opened = tokio::select! {
        () = stop.cancelled() => return,
        opened = opening => opened,
    };
    let (thread, tunnel) = (connection.thread.clone(), connection.tunnel.clone());
    let serving = match opened {
        Ok(Opened::Plain(socket)) => {
            if connection.gate.is_tls {
                connection.gate.audience = Audience::PlainHttp;
            }
            http(socket, connection, peer, &app, stop)
        }
        Ok(Opened::Tls(stream)) => http(*stream, connection, peer, &app, stop),
        Ok(Opened::Wrong(stream)) => Box::pin(refuse(stream, PLAIN_HTTP_ONLY)),
        Ok(Opened::Failed(error)) => return tracing::debug!(%peer, %error, "TLS handshake failed"),
        Err(_) => return tracing::debug!(%peer, "a connection took too long to begin"),
    };
    if let Some(Err(error)) = thread.run(serving).await {
        tracing::debug!(%peer, %error, "connection ended");
    }
    tunnel.run().await;
}

/// The rest of a connection.
type Serving = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// A connection after its first byte.
enum Opened {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
    /// The client speaks TLS, and the port does not.
    Wrong(TcpStream),
    Failed(io::Error),
}

async fn open(stream: TcpStream, tls: Option<TlsAcceptor>, connection: Connection) -> Opened {
    let first = match first_byte(&stream).await {
        Ok(first) => first,
        Err(error) => return Opened::Failed(error),
    };
    let Connection { thread, guest, .. } = connection;
    match tls {
        None if first == TLS_HANDSHAKE => Opened::Wrong(stream),
        None => Opened::Plain(Socket::new(stream, thread)),
        // A request begins with a letter or an empty line, and a TLS handshake does not.
        Some(_) if first.is_ascii_graphic() || first.is_ascii_whitespace() => {
            Opened::Plain(Socket::new(stream, thread))
        }
        Some(tls) => match tls.accept(Socket::in_handshake(stream, thread, guest)).await {
            Ok(mut stream) => {
                stream.get_mut().0.has_shaken_hands();
                Opened::Tls(Box::new(stream))
            }
            Err(error) => Opened::Failed(error),
        },
    }
}

/// Reads the first byte, and leaves it in the socket.
async fn first_byte(stream: &TcpStream) -> io::Result<u8> {
    let mut first = [0];
    match stream.peek(&mut first).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(first[0]),
    }
}

async fn refuse(mut stream: TcpStream, answer: &[u8]) -> hyper::Result<()> {
    let mut sent = [0; 4096];
    // If unread bytes were left at the close, the kernel would send a reset that overtakes the answer.
    let _ = stream.read(&mut sent).await;
    let _ = stream.write_all(answer).await;
    let _ = stream.shutdown().await;
    let linger = async { while matches!(stream.read(&mut sent).await, Ok(1..)) {} };
    let _ = tokio::time::timeout(Duration::from_secs(1), linger).await;
    Ok(())
}

/// Serves the requests of a connection. It is no async function, because such a function would keep its
/// arguments in memory a second time.
fn http<S>(
    stream: S,
    connection: Connection,
    peer: SocketAddr,
    app: &Arc<App>,
    stop: CancellationToken,
) -> Serving
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (app, turns) = (Arc::clone(app), Turns::default());
    let limits = connection.gate.limits(&app.limits);
    let (headers, head_bytes) = (limits.headers, limits.head_bytes());
    let stream = Patient::new(stream, turns.clone(), connection.clone(), &limits);
    let tunnel = connection.tunnel.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (app, connection, turn) = (Arc::clone(&app), connection.clone(), turns.begin());
        connection.guest.asks();
        let record = record(&app, peer, &request, turns.received());
        if turns.is_framed_twice() {
            // hyper removed the length. It is put back, so that the later checks refuse the request.
            request.headers_mut().append(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        async move { Ok::<_, Infallible>(answer(app, peer, connection, request, (record, turn)).await) }
    });
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        // hyper answers more headers with 431.
        .max_headers(headers)
        .max_header_size(head_bytes)
        .max_buf_size(BUFFER.max(head_bytes))
        // A client that closes its sending half after a request still gets the answer.
        .half_close(true)
        .serve_connection(TokioIo::new(Lingering::new(stream, tunnel)), service)
        .with_upgrades();
    // In its own box, so that the future below is small.
    let mut connection = Box::pin(connection);
    Box::pin(async move {
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended,
            () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        connection.await
    })
}

/// Begins the record of a request.
fn record(app: &App, peer: SocketAddr, request: &Request<Incoming>, received: Received) -> Arc<Record> {
    let peer = client::address(peer, request.headers(), &app.proxies);
    Arc::new(Record::begin(app.request_ids.next(app.clock.now()), peer, request, received))
}

/// Answers a request. Its route decides what happens if the client disconnects.
async fn answer(
    app: Arc<App>,
    peer: SocketAddr,
    connection: Connection,
    request: Request<Incoming>,
    (record, turn): (Arc<Record>, Turn),
) -> Response<Recorded> {
    let route = Route::of(&app, &connection, &request);
    let (course, requests) = (route.course(), connection.requests.clone());
    let (underway, span) = (Underway::new(&record, &app), record.span.clone());
    let answering = route.answer(app, record, peer, connection, request, turn);
    course.run(&requests, answering.instrument(span), underway).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_what_is_not_spoken_says_its_own_length() {
        let text = std::str::from_utf8(PLAIN_HTTP_ONLY).unwrap();
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(text.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
    }
}
