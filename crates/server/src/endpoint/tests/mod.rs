//! Tests of the endpoint over real sockets: visitors, a server, and scripted nodes.

mod bodies;
mod certificates;
mod failures;
mod heads;
mod relaying;
mod routing;
mod sending_on;
mod speed;
mod stopping;
mod upgrades;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gangplank_core::tenant::REGIONS;
use gangplank_core::{Quotas, Region, ServiceId};
use gangplank_store::open::Location;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::routes::{Node, Nodes, Route};
use crate::config::{AuditKept, Collection, Config, Deployments, Limits};
use crate::server::Server;

/// The host of the service in the tests.
const HOST: &str = "web.abcdefghijklm.us-east-1.cs.localhost";
const WEB: ServiceId = ServiceId(7);

/// The longest time for one step. Only a defect uses it up.
const LONG: Duration = Duration::from_secs(20);

/// A server that routes visitors to nodes.
struct Site {
    server: Server,
    home: TempDir,
}

impl Site {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let home = TempDir::new().unwrap();
        let mut config = config(home.path());
        change(&mut config);
        Self { server: Server::start(config).await.unwrap(), home }
    }

    fn route(&self, route: Route) {
        self.server.app.routes.set(WEB, vec![HOST.to_owned(), "www.example.com".to_owned()], route);
    }

    /// Routes the service to these nodes.
    fn lead(&self, addresses: &[SocketAddr]) -> Vec<Arc<Node>> {
        let nodes: Vec<_> = addresses.iter().map(|address| Arc::new(Node::new(*address))).collect();
        self.route(Route::Nodes(Nodes { is_tls: false, all: nodes.clone(), tenure: None }));
        nodes
    }

    async fn visitor(&self) -> Visitor {
        Visitor::at(self.server.address()).await
    }

    /// Sends one request on a new connection, and returns the answer.
    async fn ask(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut visitor = self.visitor().await;
        visitor.send(request).await;
        visitor.answer().await
    }
}

/// The configuration of a server that stores everything in this folder.
fn config(home: &Path) -> Config {
    Config {
        listen: ([127, 0, 0, 1], 0).into(),
        admin_listen: None,
        location: Location::Local { dir: home.join("data") },
        bucket: None,
        master_key_file: None,
        master_key: None,
        public_address: None,
        tls: None,
        insecure_http: false,
        console: true,
        regions: REGIONS.iter().filter_map(|region| Region::parse(region)).collect(),
        root_key: None,
        quotas: Quotas::default(),
        limits: Limits { drain: Duration::from_secs(5), ..Limits::default() },
        proxies: Vec::new(),
        audit: AuditKept::default(),
        collection: Collection::default(),
        deployments: Deployments {
            endpoint_listen: Some(([127, 0, 0, 1], 0).into()),
            ..Deployments::default()
        },
        issuers: Vec::new(),
        scrub_interval: None,
        ..Config::new(home.join("data"))
    }
}

/// A request to the service without a body.
fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n")
}

/// A connection whose other end is a server or a visitor.
struct Visitor {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    /// The body, without the framing of chunks.
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

impl Visitor {
    async fn at(address: SocketAddr) -> Self {
        Self::of(TcpStream::connect(address).await.unwrap())
    }

    fn of(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new() }
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads more bytes. Returns `false` at the end of the connection.
    async fn more(&mut self) -> bool {
        let read = tokio::time::timeout(LONG, self.stream.read_buf(&mut self.read)).await;
        read.expect("nothing came").is_ok_and(|read| read > 0)
    }

    /// Reads a head up to its empty line. `None` at the end of the connection.
    async fn head(&mut self) -> Option<String> {
        let head = self.until(b"\r\n\r\n").await?;
        Some(String::from_utf8(head).unwrap())
    }

    async fn until(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.read.windows(mark.len()).position(|window| window == mark) {
                return Some(self.read.drain(..at + mark.len()).collect());
            }
            if !self.more().await {
                return None;
            }
        }
    }

    async fn exactly(&mut self, length: usize) -> Vec<u8> {
        while self.read.len() < length {
            assert!(self.more().await, "{} bytes of {length}", self.read.len());
        }
        self.read.drain(..length).collect()
    }

    /// Reads all chunks, and returns their content and the trailers.
    async fn chunks(&mut self) -> (Vec<u8>, String) {
        let mut body = Vec::new();
        loop {
            let line = String::from_utf8(self.until(b"\r\n").await.expect("a chunk")).unwrap();
            let length = usize::from_str_radix(line.trim(), 16).unwrap();
            if length == 0 {
                break;
            }
            body.extend(self.exactly(length).await);
            self.exactly(2).await;
        }
        let mut trailers = String::new();
        loop {
            let line = String::from_utf8(self.until(b"\r\n").await.expect("the end")).unwrap();
            if line == "\r\n" {
                return (body, trailers);
            }
            trailers.push_str(&line);
        }
    }

    async fn answer(&mut self) -> Answer {
        self.answer_to("GET").await
    }

    async fn answer_to(&mut self, method: &str) -> Answer {
        let head = self.head().await.expect("an answer");
        let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut body = Vec::new();
        if method == "HEAD" || status < 200 || matches!(status, 204 | 304) {
            // This answer has no body.
        } else if header(&head, "transfer-encoding").is_some() {
            (body, _) = self.chunks().await;
        } else if let Some(length) = header(&head, "content-length") {
            body = self.exactly(length.parse().unwrap()).await;
        } else {
            while self.more().await {}
            body = std::mem::take(&mut self.read);
        }
        Answer { status, head, body }
    }

    /// Whether the other end closes the connection without another byte.
    async fn closes(&mut self) -> bool {
        !self.more().await && self.read.is_empty()
    }
}

/// A node that serves each connection in the same way.
async fn node<F>(serve: impl Fn(Visitor) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(Visitor::of(stream)));
        }
    });
    address
}

/// A node that answers each request with these bytes. The receiver gets the heads of the requests.
async fn answering(answer: impl Into<Vec<u8>>) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let (sender, heads) = tokio::sync::mpsc::unbounded_channel();
    let answer = answer.into();
    let address = node(move |mut visitor| {
        let (sender, answer) = (sender.clone(), answer.clone());
        async move {
            while let Some(head) = visitor.head().await {
                let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
                visitor.exactly(length).await;
                if header(&head, "transfer-encoding").is_some() {
                    visitor.chunks().await;
                }
                let _ = sender.send(head);
                visitor.send(&answer).await;
            }
        }
    })
    .await;
    (address, heads)
}

/// An answer with this text.
fn saying(text: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len()).into_bytes()
}

/// Waits until a condition holds.
async fn until(mut is_so: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + LONG;
    while !is_so() {
        assert!(tokio::time::Instant::now() < deadline, "it did not come to that");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
