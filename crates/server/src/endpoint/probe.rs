//! One health check of a node, as Amazon's load balancer does it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;

use super::dial::dial;

/// Applications recognize health checks by this `User-Agent`. Many exempt them from logs and limits.
const CHECKER: &str = "ELB-HealthChecker/2.0";

/// The longest head of an answer, in bytes.
const HEAD: usize = 64 << 10;

/// Why a node returned no status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Nothing listens on the port.
    Refused,
    /// No status arrived within this time.
    TimedOut(Duration),
    /// The connection was reset.
    Reset,
    /// The connection was closed before the head was complete.
    Closed,
    /// The answer is not HTTP.
    NotHttp,
    /// The TLS handshake failed. The text says why.
    NoTls(String),
    /// The path cannot be part of a request.
    BadPath,
    /// Any other error, in the system's words.
    Other(String),
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("connection refused (nothing listens on that port)"),
            Self::TimedOut(after) => write!(f, "timed out after {} s", after.as_secs_f64()),
            Self::Reset => f.write_str("connection reset before an answer"),
            Self::Closed => f.write_str("connection closed before an answer"),
            Self::NotHttp => f.write_str("the answer is not HTTP"),
            Self::NoTls(why) => write!(f, "no TLS on that port ({why})"),
            Self::BadPath => f.write_str("the path of the health check cannot be asked for"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// Asks a node once for `path`, and returns the status of its answer. The node's certificate and the body of
/// the answer do not matter.
///
/// # Errors
/// If no status arrived within `timeout`.
pub(crate) async fn probe(
    address: SocketAddr,
    is_tls: bool,
    path: &str,
    timeout: Duration,
) -> Result<StatusCode, Silence> {
    let asking = ask(address, is_tls, path);
    tokio::time::timeout(timeout, asking).await.unwrap_or(Err(Silence::TimedOut(timeout)))
}

async fn ask(address: SocketAddr, is_tls: bool, path: &str) -> Result<StatusCode, Silence> {
    let slash = if path.starts_with('/') { "" } else { "/" };
    let uri: Uri = format!("{slash}{path}").parse().map_err(|_| Silence::BadPath)?;
    let request = Request::builder()
        .method(Method::GET)
        .uri(uri)
        .header(HOST, address.to_string())
        .header(USER_AGENT, CHECKER)
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|_| Silence::BadPath)?;
    let stream = dial(address, is_tls).await.map_err(|error| of_connecting(&error))?;
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(HEAD).handshake(TokioIo::new(stream)).await.map_err(of_asking)?;
    let connection = async { (connection.await, std::future::pending::<()>().await) };
    // The connection runs while the request does, and both end here.
    tokio::select! {
        answer = sender.send_request(request) => Ok(answer.map_err(of_asking)?.status()),
        _ = connection => Err(Silence::Closed),
    }
}

fn of_connecting(error: &io::Error) -> Silence {
    let is_tls = error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>);
    match error.kind() {
        _ if is_tls => Silence::NoTls(error.to_string()),
        io::ErrorKind::UnexpectedEof => Silence::Closed,
        _ => of_io(error),
    }
}

fn of_io(error: &io::Error) -> Silence {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Silence::Refused,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Silence::Reset,
        io::ErrorKind::TimedOut => Silence::Other("timed out on its way there".to_owned()),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Silence::Other("its address cannot be reached".to_owned())
        }
        _ => Silence::Other(error.to_string()),
    }
}

fn of_asking(error: hyper::Error) -> Silence {
    let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<io::Error>());
    match cause {
        Some(cause) => of_io(cause),
        None if error.is_parse() => Silence::NotHttp,
        None => Silence::Closed,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A node that answers one request with these bytes. Its task returns the request.
    async fn answering(answer: &'static [u8]) -> (SocketAddr, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let node = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let length = stream.read(&mut asked).await.unwrap();
            let _ = stream.write_all(answer).await;
            String::from_utf8(asked[..length].to_vec()).unwrap()
        });
        (address, node)
    }

    #[tokio::test]
    async fn a_node_is_asked_as_amazons_balancer_asks() {
        let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 1000000\r\n\r\nonly the head counts";
        let (address, node) = answering(answer).await;
        let status = probe(address, false, "/up?a=b", SECOND).await.unwrap();
        assert_eq!(status, StatusCode::NOT_FOUND);
        let asked = node.await.unwrap().to_ascii_lowercase();
        assert!(asked.starts_with("get /up?a=b http/1.1\r\n"), "{asked}");
        for header in [&format!("host: {address}"), "user-agent: elb-healthchecker/2.0", "connection: close"]
        {
            assert!(asked.contains(&format!("\r\n{header}\r\n")), "{asked}");
        }
    }

    #[tokio::test]
    async fn silence_is_told_in_words() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = free.local_addr().unwrap();
        let silence = probe(address, false, "/", Duration::from_millis(50)).await.unwrap_err();
        assert_eq!(silence.to_string(), "timed out after 0.05 s");
        drop(free);
        assert_eq!(probe(address, false, "/", SECOND).await, Err(Silence::Refused));
        for (answer, expected) in [
            (b"".as_slice(), Silence::Closed),
            (b"HTTP/1.1 20", Silence::Closed),
            (b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n", Silence::NotHttp),
        ] {
            let (address, _) = answering(answer).await;
            assert_eq!(probe(address, false, "/", SECOND).await, Err(expected));
        }
        let (address, _) = answering(b"HTTP/1.1 200 OK\r\n\r\n").await;
        assert!(matches!(probe(address, true, "/", SECOND).await, Err(Silence::NoTls(_))));
        assert_eq!(probe(address, false, "no path\n", SECOND).await, Err(Silence::BadPath));
    }

    #[tokio::test]
    async fn a_head_without_end_is_not_read_without_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let node = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut sent = 0;
            stream.write_all(b"HTTP/1.1 200 OK\r\nX: ").await.unwrap();
            while stream.write_all(&[b'a'; 16 << 10]).await.is_ok() && sent < 1 << 30 {
                sent += 16 << 10;
            }
            sent
        });
        assert!(probe(address, false, "/", 10 * SECOND).await.is_err());
        assert!(node.await.unwrap() < 64 << 20);
    }
}
