//! Signed calls that tests change, sent byte by byte as no ordinary client would.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gangplank_sigv4::{Credentials, Request, sign};
use gangplank_testkit::TestServer;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The root access key of every test server.
pub(crate) const ROOT_KEY: (&str, &str) = ("GPAKTESTTESTTESTTEST", "test-secret-access-key-0123456789");

/// An operation without any input.
pub(crate) const LIST: &str = "Lightsail_20161128.GetContainerServices";

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// An answer in parts.
#[derive(Debug)]
pub(crate) struct WireAnswer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl WireAnswer {
    fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let mut piece = [0; 4096];
        loop {
            if let Some(answer) = Self::parse(&bytes) {
                return answer;
            }
            match stream.read(&mut piece) {
                Ok(read @ 1..) => bytes.extend_from_slice(&piece[..read]),
                end => panic!("no whole answer ({end:?}): {}", String::from_utf8_lossy(&bytes)),
            }
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let split = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8(bytes[..split].to_vec()).unwrap();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let mut answer = Self { status, head, body: bytes[split + 4..].to_vec() };
        if status == 100 {
            return Self::parse(&answer.body);
        }
        let length: usize = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        answer.body.truncate(length);
        (answer.body.len() == length).then_some(answer)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The exception's name. Empty if there is none.
    pub(crate) fn error(&self) -> String {
        self.json()["__type"].as_str().unwrap_or_default().to_owned()
    }

    /// The whole answer as text, to search it.
    pub(crate) fn text(&self) -> String {
        format!("{}\n{}", self.head, String::from_utf8_lossy(&self.body))
    }
}

/// Sends bytes unchanged. Returns the first answer.
pub(crate) fn exchange(address: SocketAddr, request: &[u8]) -> WireAnswer {
    let mut stream = connect(address);
    // An early answer may close the connection before everything is sent.
    let _ = stream.write_all(request);
    WireAnswer::read(&mut stream)
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// A call with all its headers. A test can change it before or after it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) address: SocketAddr,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) key: (String, String),
    pub(crate) region: &'static str,
    pub(crate) service: &'static str,
    pub(crate) time: i64,
    pub(crate) session_token: Option<&'static str>,
}

impl Call {
    /// A call with the root access key, not signed yet.
    pub(crate) fn new(server: &TestServer, target: &str, body: &str) -> Self {
        let headers = [
            ("Host", server.host()),
            ("Content-Type", "application/x-amz-json-1.1".to_owned()),
            ("X-Amz-Target", target.to_owned()),
        ];
        Self {
            address: server.address(),
            method: "POST",
            path: "/".to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
            body: body.as_bytes().to_vec(),
            key: (ROOT_KEY.0.to_owned(), ROOT_KEY.1.to_owned()),
            region: "us-east-1",
            service: "lightsail",
            time: now(),
            session_token: None,
        }
    }

    /// Adds a header, even if there is one with that name.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.add(name, value);
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    /// Changes part of a header.
    pub(crate) fn edit(&mut self, name: &str, from: &str, to: &str) {
        let value = self.header(name).to_owned();
        assert!(value.contains(from), "{name}: {value}");
        self.set(name, &value.replacen(from, to, 1));
    }

    /// Signs all headers.
    pub(crate) fn signed(self) -> Self {
        let hash = Sha256::digest(&self.body).into();
        self.signed_for(&hash)
    }

    /// Signs with another hash of the body.
    pub(crate) fn signed_for(mut self, hash: &[u8; 32]) -> Self {
        let (path, query) = match self.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.path.as_str(), None),
        };
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let request = Request { method: self.method, path, query, headers };
        let credentials = Credentials {
            access_key_id: &self.key.0,
            secret_access_key: &self.key.1,
            session_token: self.session_token,
        };
        for (name, value) in sign(&request, &credentials, self.region, self.service, self.time, hash) {
            self.set(name, &value);
        }
        self
    }

    /// The head, with the body's length unless another one is set.
    pub(crate) fn head(&self) -> String {
        let framed = ["content-length", "transfer-encoding"].iter().any(|name| !self.header(name).is_empty());
        let length = [("Content-Length".to_owned(), self.body.len().to_string())];
        let headers = self.headers.iter().chain(if framed { &length[..0] } else { &length });
        let lines: String = headers.map(|(name, value)| name.clone() + ": " + value + "\r\n").collect();
        format!("{} {} HTTP/1.1\r\n{lines}\r\n", self.method, self.path)
    }

    pub(crate) fn send(&self) -> WireAnswer {
        exchange(self.address, &[self.head().as_bytes(), &self.body].concat())
    }
}
