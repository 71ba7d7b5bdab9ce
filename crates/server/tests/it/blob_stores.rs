//! A server with the store in memory, whose parts are small: pushes and pulls of every kind.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gangplank_core::{AccessKeyId, SecretAccessKey};
use gangplank_oci::{Algorithm, Digest};
use gangplank_server::{Config, Server};
use gangplank_store::blobs::{BlobSweeper as _, Memory};
use gangplank_testkit::{Api, Registry};
use reqwest::blocking::Response;
use reqwest::header::{CONTENT_RANGE, HeaderName, LOCATION, RANGE};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::world::{KEY, SECRET};

const PART: usize = 1 << 20;

/// A server with a store that outlives it, and a login that may push and pull.
struct Over {
    home: TempDir,
    memory: Arc<Memory>,
    runtime: Runtime,
    server: Option<Server>,
    registry: Option<Registry>,
}

impl Over {
    fn memory() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let memory = Arc::new(Memory::with_parts(PART));
        let mut over =
            Self { home: tempfile::tempdir().unwrap(), memory, runtime, server: None, registry: None };
        over.start();
        over
    }

    fn start(&mut self) {
        let mut config = Config::new(PathBuf::from(self.home.path()).join("data"));
        config.listen = "127.0.0.1:0".parse().unwrap();
        config.root_key = Some((AccessKeyId::parse(KEY).unwrap(), SecretAccessKey::parse(SECRET).unwrap()));
        let started = Server::start_over(config, Arc::clone(&self.memory) as _);
        let server = self.runtime.block_on(started).unwrap();
        let login =
            Api::new(server.endpoint(), KEY, SECRET).registry_login(&json!({ "scope": ["push", "pull"] }));
        self.registry = Some(Registry::new(server.endpoint(), Some(login)));
        self.server = Some(server);
    }

    fn restart(&mut self) {
        self.runtime.block_on(self.server.take().unwrap().stop());
        self.start();
    }

    fn registry(&self) -> &Registry {
        self.registry.as_ref().unwrap()
    }

    fn patch(&self, location: &str, bytes: &[u8]) -> Response {
        self.registry().request("PATCH", location).body(bytes.to_vec()).send().unwrap()
    }

    fn finish(&self, location: &str, digest: &Digest, bytes: &[u8]) -> u16 {
        self.registry().put_blob(&format!("{location}?digest={digest}"), bytes)
    }

    fn pull(&self, digest: &Digest) -> Vec<u8> {
        let answer = self.registry().send("GET", &format!("sr/blobs/{digest}"));
        assert_eq!(answer.status(), 200);
        answer.bytes().unwrap().to_vec()
    }

    /// Waits until discarded content is gone, then checks how many contents the store has.
    #[track_caller]
    fn settles_at(&self, contents: usize) {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let found = self.runtime.block_on(async {
                let mut found = self.memory.staged(Duration::ZERO).await.unwrap().len();
                for part in 0..=255 {
                    found += self.memory.published(part, Duration::ZERO).await.unwrap().len();
                }
                found
            });
            if found == contents {
                return;
            }
            assert!(Instant::now() < end, "{found} contents where there should be {contents}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn received(&self) -> i64 {
        let rows = Connection::open(self.home.path().join("data/gangplank.db")).unwrap();
        rows.query_row("SELECT received FROM uploads", [], |row| row.get(0)).unwrap()
    }
}

fn text(answer: &Response, name: HeaderName) -> &str {
    answer.headers()[name].to_str().unwrap()
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

fn sha256(bytes: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, bytes)
}

#[test]
fn a_blob_in_chunks_of_any_size_is_pulled_as_it_was() {
    let over = Over::memory();
    let bytes = content(5 * PART + 77);
    let digest = sha256(&bytes);
    let (mut location, mut sent) = (over.registry().start_upload("sr"), 0);
    for length in [3, 100_000, PART, 2 * PART + 1, 0, 5] {
        let answer = over.patch(&location, &bytes[sent..sent + length]);
        sent += length;
        assert_eq!((answer.status().as_u16(), text(&answer, RANGE)), (202, &format!("0-{}", sent - 1)[..]));
        location = answer.headers()[LOCATION].to_str().unwrap().to_owned();
    }
    assert_eq!(over.finish(&location, &digest, &bytes[sent..]), 201);
    assert_eq!(over.finish(&location, &digest, &bytes[sent..]), 201, "said again to who did not hear it");
    assert_eq!(over.pull(&digest), bytes);
    let part = over.registry().request("GET", &format!("sr/blobs/{digest}"));
    let part = part.header(RANGE, "bytes=1000000-3000000").send().unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()[CONTENT_RANGE], format!("bytes 1000000-3000000/{}", bytes.len())[..]);
    assert_eq!(part.bytes().unwrap(), bytes[1_000_000..=3_000_000]);
    let beyond = over.registry().request("GET", &format!("sr/blobs/{digest}"));
    assert_eq!(beyond.header(RANGE, "bytes=99999999-").send().unwrap().status(), 416);
    let head = over.registry().send("HEAD", &format!("sr/blobs/{digest}"));
    assert_eq!(
        (head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()),
        (200, &bytes.len().to_string()[..])
    );
    over.settles_at(1);
}

#[test]
fn whole_blobs_small_and_large_come_in_one_request() {
    let over = Over::memory();
    for length in [0, 1, 200_000, PART, 3 * PART + 5] {
        let bytes = content(length);
        let digest = sha256(&bytes);
        let post = over.registry().request("POST", &format!("sr/blobs/uploads/?digest={digest}"));
        assert_eq!(post.body(bytes.clone()).send().unwrap().status(), 201);
        assert_eq!(over.pull(&digest), bytes);
    }
    over.settles_at(5);
    let wrong = sha256(b"something else");
    let post = over.registry().request("POST", &format!("sr/blobs/uploads/?digest={wrong}"));
    assert_eq!(post.body(content(3 * PART)).send().unwrap().status(), 400);
    over.settles_at(5);
}

/// Bytes that are left over at a pause become separate content, which may turn out to be the whole blob.
#[test]
fn a_blob_may_end_under_another_key_than_it_began_with() {
    let over = Over::memory();
    let bytes = content(5_000);
    let location = over.registry().start_upload("sr");
    assert_eq!(over.patch(&location, &bytes[..2_000]).status(), 202);
    assert_eq!(over.patch(&location, &bytes[2_000..]).status(), 202);
    assert_eq!(over.finish(&location, &sha256(&bytes), b""), 201);
    assert_eq!(over.pull(&sha256(&bytes)), bytes);
    over.settles_at(1);
}

#[test]
fn an_upload_goes_on_in_another_run_where_the_store_vouches_for_it() {
    let mut over = Over::memory();
    let bytes = content(3 * PART + 10);
    let location = over.registry().start_upload("sr");
    assert_eq!(over.patch(&location, &bytes[..PART + 500]).status(), 202);
    over.restart();
    let status = over.registry().send("GET", &location);
    assert_eq!((status.status().as_u16(), text(&status, RANGE)), (204, &format!("0-{}", PART + 499)[..]));
    assert_eq!(over.finish(&location, &sha256(&bytes), &bytes[PART + 500..]), 201);
    assert_eq!(over.pull(&sha256(&bytes)), bytes);
    // A session whose bytes are gone has ended.
    let location = over.registry().start_upload("sr");
    assert_eq!(over.patch(&location, &bytes[..100]).status(), 202);
    let rows = Connection::open(over.home.path().join("data/gangplank.db")).unwrap();
    let left: String = rows.query_row("SELECT key FROM upload_keys", [], |row| row.get(0)).unwrap();
    let left = gangplank_store::blobs::ContentKey::parse(&left).unwrap();
    over.runtime.block_on(over.memory.remove(&[left]))[0].clone().unwrap();
    assert_eq!(over.registry().status("GET", &location), 404);
    assert_eq!(over.patch(&location, b"more").status(), 404);
}

/// A process that dies during a body loses only the bytes since the last part.
#[test]
fn the_row_follows_a_body_that_is_still_coming() {
    let over = Over::memory();
    let (bytes, location) = (content(2 * PART + 5), over.registry().start_upload("sr"));
    let request = over.registry().request("PATCH", &location).build().unwrap();
    let authorization = request.headers()["authorization"].to_str().unwrap();
    let mut client = TcpStream::connect(over.server.as_ref().unwrap().address()).unwrap();
    write!(
        client,
        "PATCH {location} HTTP/1.1\r\nHost: here\r\nAuthorization: {authorization}\r\n\
         Transfer-Encoding: chunked\r\n\r\n{:x}\r\n",
        bytes.len()
    )
    .unwrap();
    client.write_all(&bytes).unwrap();
    let end = Instant::now() + Duration::from_secs(10);
    while over.received() < i64::try_from(PART).unwrap() {
        assert!(Instant::now() < end, "{} bytes", over.received());
        std::thread::sleep(Duration::from_millis(20));
    }
    client.write_all(b"\r\n0\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 202");
    assert_eq!(over.finish(&location, &sha256(&bytes), b""), 201);
    over.settles_at(1);
}

#[test]
fn a_digest_of_another_algorithm_is_held_against_what_was_kept() {
    let over = Over::memory();
    let bytes = content(2 * PART + 5);
    let begin = || {
        let location = over.registry().start_upload("sr");
        assert_eq!(over.patch(&location, &bytes[..PART + 9]).status(), 202);
        location
    };
    let wrong = Digest::of(Algorithm::Sha512, b"something else");
    assert_eq!(over.finish(&begin(), &wrong, &bytes[PART + 9..]), 400);
    over.settles_at(0);
    let right = Digest::of(Algorithm::Sha512, &bytes);
    assert_eq!(over.finish(&begin(), &right, &bytes[PART + 9..]), 201);
    assert_eq!(over.pull(&right), bytes);
    over.settles_at(1);
}

#[test]
fn nothing_stays_of_an_upload_that_is_given_up() {
    let over = Over::memory();
    let bytes = content(2 * PART + 5);
    for method in ["DELETE", "PUT"] {
        let location = over.registry().start_upload("sr");
        assert_eq!(over.patch(&location, &bytes).status(), 202);
        match method {
            "DELETE" => assert_eq!(over.registry().status("DELETE", &location), 204),
            _ => assert_eq!(over.finish(&location, &sha256(b"something else"), b""), 400),
        }
        assert_eq!(over.registry().status("GET", &location), 404);
        over.settles_at(0);
    }
}
