//! Upload sessions that several processes write to, and stores that are out of reach for a while. The store is
//! in memory, and the test plays the other process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use gangplank_core::{AccessKeyId, SecretAccessKey};
use gangplank_oci::{Algorithm, Digest};
use gangplank_server::{Config, Server};
use gangplank_store::blobs::{BlobSweeper as _, Memory};
use gangplank_store::coordination::{Claim, Coordinator, InProcess, Work};
use gangplank_store::{Result, StoreError};
use gangplank_testkit::{Api, Registry};
use reqwest::blocking::Response;
use reqwest::header::{LOCATION, RANGE, RETRY_AFTER};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::watched::Watched;
use crate::world::{KEY, SECRET, until};

const PART: usize = 1 << 20;

/// The number of bytes that are stored before the writer is paused.
const BEFORE: usize = PART + 1_000;

/// The number of bytes that the paused writer gets.
const MORE: usize = 3 * PART;

/// Claims that another process can get too.
#[derive(Default)]
struct Shared {
    claims: InProcess,
    /// The last claim of the server on a session.
    last: Mutex<Option<Claim>>,
}

#[async_trait]
impl Coordinator for Shared {
    fn is_shared(&self) -> bool {
        true
    }

    async fn claim(&self, work: &Work, holder: &str, lasts: Duration) -> Result<Option<Claim>> {
        let claim = self.claims.claim(work, holder, lasts).await?;
        if matches!(work, Work::Upload(_)) && claim.is_some() {
            self.last.lock().unwrap().clone_from(&claim);
        }
        Ok(claim)
    }

    async fn renew(&self, claim: &Claim, lasts: Duration) -> Result<bool> {
        self.claims.renew(claim, lasts).await
    }

    async fn release(&self, claim: &Claim) -> Result<()> {
        self.claims.release(claim).await
    }
}

struct World {
    home: TempDir,
    store: Arc<Watched>,
    claims: Arc<Shared>,
    runtime: Runtime,
    registry: Registry,
    server: Server,
}

fn world() -> World {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let home = tempfile::tempdir().unwrap();
    let store = Arc::new(Watched { memory: Memory::with_parts(PART), ..Watched::default() });
    let claims = Arc::new(Shared::default());
    let mut config = Config::new(PathBuf::from(home.path()).join("data"));
    config.listen = "127.0.0.1:0".parse().unwrap();
    config.root_key = Some((AccessKeyId::parse(KEY).unwrap(), SecretAccessKey::parse(SECRET).unwrap()));
    let started = Server::start_among(config, Arc::clone(&store) as _, Arc::clone(&claims) as _);
    let server = runtime.block_on(started).unwrap();
    let login =
        Api::new(server.endpoint(), KEY, SECRET).registry_login(&json!({ "scope": ["push", "pull"] }));
    let registry = Registry::new(server.endpoint(), Some(login));
    World { home, store, claims, runtime, registry, server }
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

fn sha256(bytes: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, bytes)
}

/// Gives the session to another process, as after a long pause of the process that had it.
fn take_away(claims: &Shared, rows: &Connection) -> Claim {
    let mine = claims.last.lock().unwrap().take().unwrap();
    claims.claims.release(&mine).now_or_never().unwrap().unwrap();
    let other = claims.claims.claim(&mine.work, "another", Duration::from_secs(30));
    let other = other.now_or_never().unwrap().unwrap().unwrap();
    assert_eq!(rows.execute("UPDATE uploads SET epoch = ?1", [other.epoch.0]).unwrap(), 1);
    other
}

impl World {
    fn rows(&self) -> Connection {
        let rows = Connection::open(self.home.path().join("data/gangplank.db")).unwrap();
        rows.busy_timeout(Duration::from_secs(5)).unwrap();
        rows
    }

    /// A session with the first bytes of the content.
    fn begin(&self, content: &[u8]) -> String {
        let location = self.registry.start_upload("sr");
        assert_eq!(self.patch(&location, &content[..BEFORE]).status(), 202);
        location
    }

    fn patch(&self, location: &str, bytes: &[u8]) -> Response {
        self.registry.request("PATCH", location).body(bytes.to_vec()).send().unwrap()
    }

    fn put(&self, location: &str, digest: &Digest, bytes: &[u8]) -> Response {
        let request = self.registry.request("PUT", &format!("{location}?digest={digest}"));
        request.body(bytes.to_vec()).send().unwrap()
    }

    /// Sends a request with half of its body, and waits until this half has been received.
    fn half(&self, method: &str, location: &str, body: &[u8]) -> TcpStream {
        *self.claims.last.lock().unwrap() = None;
        let request = self.registry.request(method, location).build().unwrap();
        let authorization = request.headers()["authorization"].to_str().unwrap();
        let mut client = TcpStream::connect(self.server.address()).unwrap();
        write!(
            client,
            "{method} {location} HTTP/1.1\r\nHost: here\r\nAuthorization: {authorization}\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        )
        .unwrap();
        client.write_all(&body[..body.len() / 2]).unwrap();
        let received = i64::try_from(BEFORE + body.len() / 2).unwrap() / 1_048_576 * 1_048_576;
        until("the row follows", || self.received() == received);
        client
    }

    fn received(&self) -> i64 {
        self.rows().query_row("SELECT received FROM uploads", [], |row| row.get(0)).unwrap()
    }

    fn sessions(&self) -> i64 {
        self.rows().query_row("SELECT count(*) FROM uploads", [], |row| row.get(0)).unwrap()
    }

    /// How many contents the store has, published or staged.
    fn contents(&self) -> usize {
        self.runtime.block_on(async {
            let mut found = self.store.memory.staged(Duration::ZERO).await.unwrap().len();
            for part in 0..=255 {
                found += self.store.memory.published(part, Duration::ZERO).await.unwrap().len();
            }
            found
        })
    }

    /// The client continues at another process. Here, this process plays the other one, too.
    #[track_caller]
    fn goes_on(&self, location: &str, content: &[u8]) {
        let status = self.registry.send("GET", location);
        assert_eq!(status.status(), 204);
        let received: usize = status.headers()[RANGE].to_str().unwrap()[2..].parse::<usize>().unwrap() + 1;
        assert_eq!(self.put(location, &sha256(content), &content[received..]).status(), 201);
        self.is_all_there(content);
    }

    #[track_caller]
    fn is_all_there(&self, content: &[u8]) {
        let blob = self.registry.send("GET", &format!("sr/blobs/{}", sha256(content)));
        assert_eq!(blob.status(), 200);
        assert!(blob.bytes().unwrap() == content);
        until("nothing is left over", || self.contents() == 1);
    }
}

fn status(client: TcpStream) -> u16 {
    let mut line = String::new();
    BufReader::new(client).read_line(&mut line).unwrap();
    line.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_writer_that_comes_back_changes_nothing() {
    for method in ["PATCH", "PUT"] {
        let world = world();
        let content = content(BEFORE + MORE);
        let location = world.begin(&content);
        let path = if method == "PUT" {
            format!("{location}?digest={}", sha256(&content))
        } else {
            location.clone()
        };
        let mut client = world.half(method, &path, &content[BEFORE..]);
        let received = world.received();
        let other = take_away(&world.claims, &world.rows());
        client.write_all(&content[BEFORE + MORE / 2..]).unwrap();
        assert_eq!(status(client), 416, "{method}");
        assert_eq!((world.received(), world.sessions()), (received, 1));
        let head = world.registry.status("HEAD", &format!("sr/blobs/{}", sha256(&content)));
        assert_eq!(head, 404, "it made no blob");
        world.runtime.block_on(world.claims.release(&other)).unwrap();
        world.goes_on(&location, &content);
    }
}

#[test]
fn a_writer_that_waits_for_its_client_is_told() {
    let world = world();
    let content = content(BEFORE + MORE);
    let location = world.begin(&content);
    let client = world.half("PATCH", &location, &content[BEFORE..]);
    let other = take_away(&world.claims, &world.rows());
    let begun = Instant::now();
    assert_eq!(status(client), 416);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    world.runtime.block_on(world.claims.release(&other)).unwrap();
    world.goes_on(&location, &content);
}

#[test]
fn a_writer_that_loses_its_session_while_it_publishes_makes_no_blob() {
    for last in [0, 10, PART] {
        let world = world();
        let content = content(BEFORE + last);
        let location = world.begin(&content);
        let (claims, rows) = (Arc::clone(&world.claims), Mutex::new(world.rows()));
        let (other, taken) = (Arc::new(Mutex::new(None)), Mutex::new(()));
        let noted = Arc::clone(&other);
        *world.store.then.lock().unwrap() = Some(Box::new(move |_| {
            let _one = taken.lock().unwrap();
            if noted.lock().unwrap().is_none() {
                *noted.lock().unwrap() = Some(take_away(&claims, &rows.lock().unwrap()));
            }
            Ok(())
        }));
        assert_eq!(world.put(&location, &sha256(&content), &content[BEFORE..]).status(), 416);
        assert_eq!(world.sessions(), 1);
        let other = other.lock().unwrap().take().unwrap();
        *world.store.then.lock().unwrap() = None;
        world.runtime.block_on(world.claims.release(&other)).unwrap();
        // The bytes are published. So either the other process finds that out, or the client has to start again.
        let again = world.put(&location, &sha256(&content), &content[BEFORE..]).status();
        if again != 201 {
            assert_eq!((again.as_u16(), world.sessions()), (404, 0));
            let post =
                world.registry.request("POST", &format!("sr/blobs/uploads/?digest={}", sha256(&content)));
            assert_eq!(post.body(content.clone()).send().unwrap().status(), 201);
        }
        world.is_all_there(&content);
    }
}

#[test]
fn a_session_outlives_a_store_that_is_away() {
    let world = world();
    let content = content(BEFORE + MORE);
    let location = world.begin(&content);
    let away = || StoreError::unavailable("nobody answers");
    *world.store.pausing.lock().unwrap() = Some(away());
    let refused = world.patch(&location, &content[BEFORE..BEFORE + 10]);
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key(RETRY_AFTER));
    assert_eq!(refused.headers()[LOCATION], location[..]);
    assert_eq!(refused.headers()[RANGE], format!("0-{}", BEFORE - 1)[..]);
    *world.store.pausing.lock().unwrap() = None;
    assert_eq!(world.patch(&location, &content[BEFORE..]).status(), 202);
    // The store fails once. It works again just after the client has been told so.
    let fails = Mutex::new(true);
    *world.store.then.lock().unwrap() = Some(Box::new(move |_| {
        if std::mem::take(&mut *fails.lock().unwrap()) {
            Err(StoreError::unavailable("no answer"))
        } else {
            Ok(())
        }
    }));
    let refused = world.put(&location, &sha256(&content), b"");
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key(RETRY_AFTER));
    assert_eq!(world.sessions(), 1);
    // The bytes were published although the store reported a failure. The store in memory cannot find that out.
    assert_eq!(world.put(&location, &sha256(&content), b"").status(), 404);
    until("nothing is left over", || world.contents() == 0 && world.sessions() == 0);
}

#[test]
fn a_whole_blob_leaves_nothing_when_the_store_is_away() {
    let world = world();
    let content = content(MORE);
    *world.store.then.lock().unwrap() = Some(Box::new(|_| Err(StoreError::unavailable("no answer"))));
    let path = format!("sr/blobs/uploads/?digest={}", sha256(&content));
    let refused = world.registry.request("POST", &path).body(content.clone()).send().unwrap();
    assert_eq!(refused.status(), 503);
    until("nothing is left over", || world.contents() == 0 && world.sessions() == 0);
    *world.store.then.lock().unwrap() = None;
    assert_eq!(world.registry.request("POST", &path).body(content.clone()).send().unwrap().status(), 201);
    world.is_all_there(&content);
}

#[test]
fn a_session_whose_bytes_are_gone_is_over() {
    for method in ["PATCH", "PUT"] {
        let world = world();
        let content = content(BEFORE + 10);
        let location = world.begin(&content);
        *world.store.pausing.lock().unwrap() = Some(StoreError::damaged("it is gone"));
        *world.store.then.lock().unwrap() = Some(Box::new(|_| Err(StoreError::damaged("it is gone"))));
        let answer = match method {
            "PATCH" => world.patch(&location, &content[BEFORE..]),
            _ => world.put(&location, &sha256(&content), &content[BEFORE..]),
        };
        assert_eq!(answer.status(), 404, "{method}");
        assert_eq!(world.registry.status("GET", &location), 404);
        until("nothing is left over", || world.contents() == 0 && world.sessions() == 0);
    }
}
