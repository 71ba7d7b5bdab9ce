//! An issuer on loopback with answers that tests choose, and a decoy that only counts connections.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// The answer to one kind of request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// 200 with this text.
    Text(String),
    /// The right answer for requests that accept this media type by name, and 406 for others.
    Only(&'static str),
    /// The right answer with this status.
    Status(u16),
    /// A redirection to this URL.
    Redirect(String),
    /// Nothing, for ever.
    Hang,
    /// A byte now and then, without an end.
    Drip,
    /// The right answer, followed by 2 MiB of white space.
    Large,
}

#[derive(Debug)]
struct Shared {
    /// The right answers: the discovery document and the keys.
    right: [String; 2],
    discovery: Mutex<Answer>,
    keys: Mutex<Answer>,
    discoveries: AtomicUsize,
    key_fetches: AtomicUsize,
    connections: AtomicUsize,
}

/// A server that stops when it is dropped.
#[derive(Debug)]
pub struct FakeIssuer {
    /// The `iss` of its tokens.
    pub url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
    /// Its own runtime, if it was started outside of one.
    runtime: Option<Runtime>,
}

impl Drop for FakeIssuer {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl FakeIssuer {
    /// An issuer that serves TLS and this JWK set.
    pub async fn start(jwks: String) -> Self {
        Self::serve(jwks, Some(acceptor())).await
    }

    /// An issuer that serves this JWK set without TLS.
    pub async fn start_plain(jwks: String) -> Self {
        Self::serve(jwks, None).await
    }

    /// An issuer for tests that have no runtime, on a separate thread and without TLS.
    pub fn start_on_a_thread(jwks: String) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().expect("a runtime");
        let mut started = runtime.block_on(Self::start_plain(jwks));
        started.runtime = Some(runtime);
        started
    }

    async fn serve(jwks: String, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}", address.port());
        let discovery = document(&url, &format!("{url}/jwks"));
        let shared = Arc::new(Shared {
            right: [discovery.clone(), jwks.clone()],
            discovery: Mutex::new(Answer::Text(discovery)),
            keys: Mutex::new(Answer::Text(jwks)),
            discoveries: AtomicUsize::default(),
            key_fetches: AtomicUsize::default(),
            connections: AtomicUsize::default(),
        });
        let task = tokio::spawn(accept(listener, tls, Arc::clone(&shared)));
        Self { url, shared, task, runtime: None }
    }

    /// Sets the answer to requests for the discovery document.
    pub fn answer_discovery(&self, answer: Answer) {
        *self.shared.discovery.lock().unwrap() = answer;
    }

    /// Sets the answer to requests for its keys.
    pub fn answer_keys(&self, answer: Answer) {
        *self.shared.keys.lock().unwrap() = answer;
    }

    /// Answers with the discovery document again, with this address for the keys.
    pub fn name_keys(&self, jwks_uri: &str) {
        self.answer_discovery(Answer::Text(document(&self.url, jwks_uri)));
    }

    /// How often the discovery document and the keys were requested.
    pub fn fetches(&self) -> (usize, usize) {
        let of = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        (of(&self.shared.discoveries), of(&self.shared.key_fetches))
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

/// Accepts connections, and does nothing else.
#[derive(Debug)]
pub struct Decoy {
    /// The address of the decoy.
    pub address: SocketAddr,
    guests: Arc<Mutex<Vec<SocketAddr>>>,
    task: JoinHandle<()>,
}

impl Drop for Decoy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Decoy {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let guests = Arc::<Mutex<Vec<_>>>::default();
        let book = Arc::clone(&guests);
        let task = tokio::spawn(async move {
            while let Ok((_, guest)) = listener.accept().await {
                book.lock().unwrap().push(guest);
            }
        });
        Self { address, guests, task }
    }

    /// The number of connections. They are accepted in order, so all earlier ones are counted when our own
    /// connection is counted.
    pub async fn met(&self) -> usize {
        let own = TcpStream::connect(self.address).await.unwrap().local_addr().unwrap();
        loop {
            {
                let mut guests = self.guests.lock().unwrap();
                if let Some(before) = guests.iter().position(|guest| *guest == own) {
                    guests.remove(before);
                    return before;
                }
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// A discovery document.
pub fn document(issuer: &str, jwks_uri: &str) -> String {
    json!({"issuer": issuer, "jwks_uri": jwks_uri, "id_token_signing_alg_values_supported": ["RS256"]})
        .to_string()
}

/// A file of certificates and keys, made once and valid until 2120.
pub fn tls_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/identity/tls").join(name)
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(tls_file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(tls_file("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    while let Ok((socket, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let (tls, shared) = (tls.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            match tls {
                Some(tls) => {
                    if let Ok(socket) = tls.accept(socket).await {
                        answer(socket, &shared).await;
                    }
                }
                None => answer(socket, &shared).await,
            }
        });
    }
}

/// Answers one request and closes the connection.
async fn answer<S: AsyncRead + AsyncWrite + Unpin>(mut socket: S, shared: &Shared) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = socket.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let (right, count, answer) = match head.split(' ').nth(1).unwrap() {
        "/.well-known/openid-configuration" => (&shared.right[0], &shared.discoveries, &shared.discovery),
        "/jwks" => (&shared.right[1], &shared.key_fetches, &shared.keys),
        other => panic!("{other} was asked for"),
    };
    count.fetch_add(1, Ordering::SeqCst);
    let answer = answer.lock().unwrap().clone();
    let text = match answer {
        Answer::Only(kind) if !accepts(&head, kind) => {
            "HTTP/1.1 406 Not Acceptable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()
        }
        Answer::Only(kind) => format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{right}",
            right.len()
        ),
        Answer::Text(body) => {
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
        }
        Answer::Status(status) => {
            let length = right.len();
            format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{right}")
        }
        Answer::Redirect(to) => {
            format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
        // The answer states no length, so a client has to count its bytes.
        Answer::Large => {
            format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{right}{}", " ".repeat(2 << 20))
        }
        Answer::Hang => return std::future::pending().await,
        Answer::Drip => {
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await;
            while socket.write_all(b" ").await.is_ok() {
                let _ = socket.flush().await;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            return;
        }
    };
    let _ = socket.write_all(text.as_bytes()).await;
    let _ = socket.shutdown().await;
}

fn accepts(head: &str, kind: &str) -> bool {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut accepted = lines
        .filter(|(name, _)| name.eq_ignore_ascii_case("accept"))
        .flat_map(|(_, kinds)| kinds.split(", "));
    accepted.any(|accepted| accepted == kind)
}
