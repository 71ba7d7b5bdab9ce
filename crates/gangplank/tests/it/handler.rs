//! A small HTTP/1.1 server over a function: one request for each connection, on a loopback port or a socket.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::thread;

/// A client's request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path, with its query.
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The value of a header. `name` is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A body with a status.
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// Serves on a new loopback port. Returns host and port. The thread ends with the test process.
pub(crate) fn serve(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let handler = Arc::new(handler);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (handler, input) = (Arc::clone(&handler), stream.try_clone().unwrap());
            thread::spawn(move || answer(input, stream, &*handler));
        }
    });
    address
}

/// Serves on a socket in a file instead.
pub(crate) fn serve_on(path: &Path, handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) {
    let listener = UnixListener::bind(path).unwrap();
    let handler = Arc::new(handler);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (handler, input) = (Arc::clone(&handler), stream.try_clone().unwrap());
            thread::spawn(move || answer(input, stream, &*handler));
        }
    });
}

/// A client that disconnects early is ignored.
fn answer(input: impl Read, mut output: impl Write, handler: &dyn Fn(&Request) -> Reply) -> Option<()> {
    let mut reader = BufReader::new(input);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ').map(str::to_owned);
    let mut request = Request { method: words.next()?, path: words.next()?, ..Request::default() };
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        request.headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body).ok()?;
    let reply = handler(&request);
    let mut head = format!("HTTP/1.1 {} Here\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    write!(output, "{head}Content-Length: {}\r\n\r\n", reply.body.len()).ok()?;
    if request.method != "HEAD" {
        output.write_all(&reply.body).ok()?;
    }
    output.flush().ok()
}
