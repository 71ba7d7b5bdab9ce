//! Visitors that request a service without a pause, and count failures.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longer than any request here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Running visitors. Dropping this stops them.
pub(crate) struct Load {
    shared: Arc<Shared>,
    visitors: Vec<JoinHandle<()>>,
}

struct Shared {
    address: SocketAddr,
    host: String,
    stop: AtomicBool,
    /// Whether the service may answer that it is disabled.
    may_be_disabled: AtomicBool,
    answers: AtomicU64,
    disabled: AtomicU64,
    failures: Mutex<Vec<String>>,
    /// The versions that answered, each once.
    versions: Mutex<Vec<String>>,
    /// The lives of upgraded connections that the server ended.
    upgraded: Mutex<Vec<Duration>>,
}

/// The result of a load.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The number of successful answers.
    pub(crate) answers: u64,
    /// The number of answers that say that the service is disabled, while it was disabled.
    pub(crate) disabled: u64,
    /// The versions that answered, in order of their first answer.
    pub(crate) versions: Vec<String>,
    /// The lives of upgraded connections that the server ended.
    pub(crate) upgraded: Vec<Duration>,
}

impl Load {
    /// Starts visitors with persistent connections, and visitors with an upgraded connection.
    pub(crate) fn start(address: SocketAddr, host: &str, visitors: usize, staying: usize) -> Self {
        let shared = Arc::new(Shared {
            address,
            host: host.to_owned(),
            stop: AtomicBool::new(false),
            may_be_disabled: AtomicBool::new(false),
            answers: AtomicU64::new(0),
            disabled: AtomicU64::new(0),
            failures: Mutex::default(),
            versions: Mutex::default(),
            upgraded: Mutex::default(),
        });
        let one = |work: fn(&Shared)| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || work(&shared))
        };
        let visitors = (0..visitors).map(|_| one(visit)).chain((0..staying).map(|_| one(stay))).collect();
        Self { shared, visitors }
    }

    /// Sets whether the service may answer that it is disabled.
    pub(crate) fn may_be_disabled(&self, may_be: bool) {
        self.shared.may_be_disabled.store(may_be, Ordering::SeqCst);
    }

    /// The number of successful answers so far.
    pub(crate) fn answers(&self) -> u64 {
        self.shared.answers.load(Ordering::SeqCst)
    }

    /// Stops the visitors, and checks that nothing failed.
    #[track_caller]
    pub(crate) fn end(self) -> Outcome {
        let (outcome, failures) = self.end_with_failures();
        assert!(failures.is_empty(), "{} of {} failed: {failures:#?}", failures.len(), outcome.answers);
        outcome
    }

    /// Stops the visitors. Returns a line for each failure too.
    pub(crate) fn end_with_failures(mut self) -> (Outcome, Vec<String>) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for visitor in self.visitors.drain(..) {
            visitor.join().expect("a visitor");
        }
        let outcome = Outcome {
            answers: self.answers(),
            disabled: self.shared.disabled.load(Ordering::SeqCst),
            versions: self.shared.versions.lock().expect("versions").clone(),
            upgraded: self.shared.upgraded.lock().expect("durations").clone(),
        };
        (outcome, self.shared.failures.lock().expect("failures").clone())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
    }
}

impl Shared {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::SeqCst)
    }

    fn failed(&self, what: impl std::fmt::Display) {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("the time");
        let mut failures = self.failures.lock().expect("failures");
        failures.push(format!("{}.{:03} {what}", now.as_secs() % 86_400, now.subsec_millis()));
        drop(failures);
        std::thread::sleep(Duration::from_millis(100));
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(BufReader::new(stream))
    }
}

/// The head of an answer, and its body.
struct Answer {
    status: u16,
    version: String,
    closes: bool,
    body: Vec<u8>,
}

fn ask(stream: &mut BufReader<TcpStream>, request: &[u8]) -> io::Result<Answer> {
    stream.get_mut().write_all(request)?;
    let mut answer = Answer { status: 0, version: String::new(), closes: false, body: Vec::new() };
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if answer.status == 0 {
            answer.status = line.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(1);
            continue;
        }
        let (name, value) = line.split_once(": ").unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap_or(0),
            "x-version" => value.clone_into(&mut answer.version),
            "connection" => answer.closes = value.eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    answer.body = vec![0; length];
    stream.read_exact(&mut answer.body)?;
    Ok(answer)
}

/// Makes request after request. Uses a connection as long as the server keeps it open.
fn visit(shared: &Shared) {
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", shared.host).into_bytes();
    let mut post =
        format!("POST / HTTP/1.1\r\nHost: {}\r\nContent-Length: 20000\r\n\r\n", shared.host).into_bytes();
    post.resize(post.len() + 20_000, b'x');
    let requests = [
        ("/", get("/")),
        ("/slow", get("/slow")),
        ("/", get("/")),
        ("POST", post),
        ("/big", get("/big")),
        ("/", get("/")),
    ];
    let mut kept: Option<BufReader<TcpStream>> = None;
    for (what, request) in requests.iter().cycle() {
        if !shared.goes_on() {
            return;
        }
        let began = Instant::now();
        let is_kept = kept.is_some();
        let asked = match kept.take().map_or_else(|| shared.connect(), Ok) {
            Ok(mut stream) => ask(&mut stream, request).map(|answer| (answer, stream)),
            Err(error) => Err(error),
        };
        match asked {
            Ok((answer, stream)) => {
                kept = (!answer.closes).then_some(stream);
                if answer.status == 503 && shared.may_be_disabled.load(Ordering::SeqCst) {
                    shared.disabled.fetch_add(1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(10));
                    continue;
                }
                let is_whole = match *what {
                    "/big" => answer.body.len() == 1 << 20,
                    "/slow" => answer.body.is_empty(),
                    _ => answer.body == answer.version.as_bytes(),
                };
                if answer.status != 200 || !is_whole {
                    let said =
                        String::from_utf8_lossy(&answer.body[..answer.body.len().min(200)]).into_owned();
                    shared.failed(format!("{what}: {} {said:?} after {:?}", answer.status, began.elapsed()));
                    continue;
                }
                shared.answers.fetch_add(1, Ordering::SeqCst);
                let mut versions = shared.versions.lock().expect("versions");
                if !versions.contains(&answer.version) {
                    versions.push(answer.version);
                }
            }
            Err(error) => {
                shared.failed(format!("{what}: {error} after {:?}, kept {is_kept}", began.elapsed()));
            }
        }
    }
}

/// A WebSocket's first request, with the key of the example in RFC 6455, since proxies want one.
pub(crate) fn upgrade(host: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// Keeps one upgraded connection busy. Opens another one when the server ends it.
fn stay(shared: &Shared) {
    let request = upgrade(&shared.host);
    while shared.goes_on() {
        let opened =
            shared.connect().and_then(|mut stream| Ok((ask(&mut stream, request.as_bytes())?, stream)));
        let mut stream = match opened {
            Ok((answer, stream)) if answer.status == 101 => stream,
            Ok((answer, _)) if answer.status == 503 && shared.may_be_disabled.load(Ordering::SeqCst) => {
                std::thread::sleep(Duration::from_millis(10));
                continue;
            }
            Ok((answer, _)) => {
                shared.failed(format!("upgrade: {}", answer.status));
                continue;
            }
            Err(error) => {
                shared.failed(format!("upgrade: {error}"));
                continue;
            }
        };
        let began = Instant::now();
        let mut number = 0_u64;
        while shared.goes_on() {
            number += 1;
            let sent = format!("word {number}\n");
            let mut echoed = String::new();
            let echo =
                stream.get_mut().write_all(sent.as_bytes()).and_then(|()| stream.read_line(&mut echoed));
            match echo {
                Ok(1..) if echoed == sent => {}
                Ok(1..) => shared.failed(format!("{echoed:?} came back for {sent:?}")),
                Ok(0) | Err(_) => {
                    shared.upgraded.lock().expect("durations").push(began.elapsed());
                    break;
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
