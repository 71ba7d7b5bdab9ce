//! A connection on which any bytes can be sent, even those that no HTTP client would send.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gangplank_testkit::{Login, TestServer};

/// The longest wait for an answer. Only a defect uses it up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection on which any bytes can be sent.
pub(crate) struct Raw {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An answer, unparsed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RawAnswer {
    /// The status.
    pub(crate) status: u16,
    /// The status line and headers.
    pub(crate) head: String,
    /// The body, with the length of `Content-Length`.
    pub(crate) body: Vec<u8>,
}

impl RawAnswer {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Raw {
    /// Connects to a server.
    pub(crate) fn connect(server: &TestServer) -> Self {
        Self::connect_to(server.address())
    }

    /// Connects to a server from an address of this machine.
    pub(crate) fn connect_from(address: [u8; 4], server: &TestServer) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
        let stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
            socket.bind((address, 0).into()).expect("an address of this machine");
            socket.connect(server.address()).await.expect("a connection").into_std().expect("its socket")
        });
        stream.set_nonblocking(false).expect("to set an option");
        Self::of(stream)
    }

    /// Connects to an address.
    pub(crate) fn connect_to(address: SocketAddr) -> Self {
        Self::of(TcpStream::connect(address).expect("a connection"))
    }

    fn of(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("to set a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("to set a timeout");
        stream.set_nodelay(true).expect("to set an option");
        Self { stream, read: Vec::new() }
    }

    /// Sends bytes. `false` if the server no longer reads, which is no failure by itself.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Sends as many of the bytes as the server reads within a moment.
    pub(crate) fn send_what_is_taken(&mut self, bytes: &[u8]) {
        self.stream.set_write_timeout(Some(Duration::from_millis(500))).expect("to set a timeout");
        let _ = self.stream.write_all(bytes);
        self.stream.set_write_timeout(Some(PATIENCE)).expect("to set a timeout");
    }

    /// Reads one answer. `None` if the connection was closed instead.
    pub(crate) fn answer(&mut self) -> Option<RawAnswer> {
        self.answer_with_body(true)
    }

    /// Reads one answer to a HEAD request, which has no body whatever its `Content-Length` is.
    pub(crate) fn answer_to_head(&mut self) -> Option<RawAnswer> {
        self.answer_with_body(false)
    }

    fn answer_with_body(&mut self, with_body: bool) -> Option<RawAnswer> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.read_more() {
                assert!(self.read.is_empty(), "half an answer: {:?}", String::from_utf8_lossy(&self.read));
                return None;
            }
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).expect("an ASCII head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {head}"));
        let mut answer = RawAnswer { status, head, body: Vec::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        if with_body && status != 100 {
            while self.read.len() < length {
                assert!(self.read_more(), "the body ended early: {}", answer.head);
            }
            answer.body = self.read.drain(..length).collect();
        }
        Some(answer)
    }

    /// Whether the server closes the connection without sending more.
    pub(crate) fn closes(&mut self) -> bool {
        while self.read.is_empty() {
            if !self.read_more() {
                return true;
            }
        }
        false
    }

    /// Closes the sending side.
    pub(crate) fn finish_sending(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Waits for a byte. Returns whether none came and the connection is still open.
    pub(crate) fn is_silent_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).expect("to set a timeout");
        let read = self.stream.read(&mut [0; 1]);
        self.stream.set_read_timeout(Some(PATIENCE)).expect("to set a timeout");
        read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }

    /// Reads available bytes. `false` at the end of the connection.
    fn read_more(&mut self) -> bool {
        let mut piece = [0; 16 << 10];
        match self.stream.read(&mut piece) {
            Ok(0) => false,
            Ok(read) => {
                self.read.extend_from_slice(&piece[..read]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("the server neither answered nor closed: {error}"),
        }
    }
}

/// Sends bytes on a new connection and reads one answer.
pub(crate) fn ask(server: &TestServer, request: impl AsRef<[u8]>) -> Option<RawAnswer> {
    let mut raw = Raw::connect(server);
    raw.send(request);
    raw.answer()
}

/// The head of a signed call with a declared length of the body.
pub(crate) fn call_head(headers: &[(String, String)], length: usize) -> String {
    let headers: String =
        headers.iter().fold(String::new(), |head, (name, value)| head + &format!("{name}: {value}\r\n"));
    format!("POST / HTTP/1.1\r\n{headers}Content-Length: {length}\r\n\r\n")
}

/// A body in chunked encoding.
fn chunked(bytes: &[u8]) -> Vec<u8> {
    let last: &[u8] = b"0\r\n\r\n";
    if bytes.is_empty() {
        return last.to_vec();
    }
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n", last].concat()
}

/// The value of an `Authorization` header.
pub(crate) fn basic(login: &Login) -> String {
    encoded(format!("{}:{}", login.username, login.password))
}

/// Any text as the value of an `Authorization` header.
pub(crate) fn encoded(credentials: impl AsRef<[u8]>) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

/// The head of a request with a login and further header lines, each ending in CRLF.
pub(crate) fn head(login: &Login, request_line: &str, headers: &str) -> String {
    let basic = basic(login);
    format!("{request_line} HTTP/1.1\r\nHost: registry.test\r\nAuthorization: {basic}\r\n{headers}\r\n")
}

/// A whole request with a login and a chunked body.
pub(crate) fn streamed(login: &Login, request_line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = head(login, request_line, &format!("{headers}Transfer-Encoding: chunked\r\n"));
    [head.as_bytes(), &chunked(body)].concat()
}
