//! Replicas, and clients that know which one they speak to.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gangplank_testkit::replicas::missing;
use gangplank_testkit::{Blob, Registry, ServerBuilder, TestServer, clients_are_required};
use libtest_mimic::{Failed, Trial};
use reqwest::blocking::Body;
use reqwest::header::{CONTENT_RANGE, LOCATION, RANGE};

/// Bytes of a part.
pub(crate) const PART: usize = 8 << 20;

/// Trials with their names.
pub(crate) type Trials = &'static [(&'static str, fn())];

/// A trial that needs replicas.
pub(crate) fn trial(name: &str, trial: fn()) -> Trial {
    let missing = missing();
    let skipped = missing.is_some() && !clients_are_required();
    if let (true, Some(why)) = (skipped, &missing) {
        eprintln!("SKIPPED {name}: {why}");
    }
    let run = move || match missing {
        Some(why) => Err(Failed::from(why)),
        None => {
            trial();
            Ok(())
        }
    };
    Trial::test(name, run).with_ignored_flag(skipped)
}

/// Three replicas to configure.
pub(crate) fn builder() -> ServerBuilder {
    TestServer::builder(env!("CARGO_BIN_EXE_gangplank")).replicas(3)
}

/// Three replicas.
pub(crate) fn start() -> TestServer {
    builder().start()
}

/// Content that no other test has.
pub(crate) fn blob(length: usize) -> Blob {
    let mut bytes = Blob::unique().bytes;
    let mut state = Blob::new(bytes.clone())
        .digest
        .bytes()
        .fold(1_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    while bytes.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&(state >> 16).to_le_bytes());
    }
    bytes.truncate(length);
    Blob::new(bytes)
}

/// Polls until a condition holds. Returns how long that took.
#[track_caller]
pub(crate) fn until(what: &str, within: Duration, mut is_so: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < within, "{what}: not within {within:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    start.elapsed()
}

/// A PATCH whose body the test sends piece by piece.
pub(crate) struct Sending {
    feed: Sender<Vec<u8>>,
    answer: JoinHandle<Option<u16>>,
}

struct Feed {
    pieces: Receiver<Vec<u8>>,
    piece: Vec<u8>,
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.recv() {
                Ok(piece) => self.piece = piece,
                Err(_) => return Ok(0),
            }
        }
        let count = buffer.len().min(self.piece.len());
        buffer[..count].copy_from_slice(&self.piece[..count]);
        self.piece.drain(..count);
        Ok(count)
    }
}

impl Sending {
    /// Begins a request with a body of `length` bytes.
    pub(crate) fn patch(registry: &Registry, location: &str, length: usize) -> Self {
        let (feed, pieces) = channel();
        let body = Body::sized(Feed { pieces, piece: Vec::new() }, length as u64);
        let request = registry.request("PATCH", location).timeout(Duration::from_mins(3)).body(body);
        let answer = std::thread::spawn(move || request.send().ok().map(|answer| answer.status().as_u16()));
        Self { feed, answer }
    }

    /// Sends some of the body.
    pub(crate) fn send(&self, bytes: &[u8]) {
        let _ = self.feed.send(bytes.to_vec());
    }

    /// Sends no more, and waits for the answer's status. `None` if the connection ended without one.
    pub(crate) fn answer(self) -> Option<u16> {
        drop(self.feed);
        self.answer.join().unwrap()
    }
}

/// Sends the next bytes of an upload. Returns the next location.
pub(crate) fn append(registry: &Registry, location: &str, from: usize, bytes: &[u8]) -> String {
    let range = format!("{from}-{}", from + bytes.len() - 1);
    let patch = registry.request("PATCH", location).header(CONTENT_RANGE, &range).body(bytes.to_vec());
    let answer = patch.send().unwrap();
    assert_eq!(answer.status(), 202, "PATCH of {range}: {:?}", answer.text());
    answer.headers()[LOCATION].to_str().unwrap().to_owned()
}

/// The number of bytes that an upload has, or the status if it cannot be asked.
pub(crate) fn received(registry: &Registry, location: &str) -> Result<usize, u16> {
    let Ok(answer) = registry.request("GET", location).send() else { return Err(0) };
    match answer.status().as_u16() {
        204 => {
            let range = answer.headers()[RANGE].to_str().unwrap();
            let last: usize = range.split_once('-').unwrap().1.parse().unwrap();
            // The answers for nothing and for one byte are the same.
            Ok(if last == 0 { 0 } else { last + 1 })
        }
        other => Err(other),
    }
}

/// Continues an upload and ends it, as a patient client does if its requests fail for a while. Returns how long
/// it took; `None` if a server said that the upload is gone.
#[track_caller]
pub(crate) fn go_on(registry: &Registry, location: &str, blob: &Blob, within: Duration) -> Option<Duration> {
    let start = Instant::now();
    let mut refusals = Vec::new();
    loop {
        match try_to_end(registry, location, blob) {
            201 => return Some(start.elapsed()),
            404 => return None,
            refused @ (0 | 416 | 503) => refusals.push(refused),
            other => panic!("{other} after {:?} and {refusals:?}", start.elapsed()),
        }
        assert!(start.elapsed() < within, "not within {within:?}: {refusals:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Asks how much there is, sends the rest, and ends the upload. Returns the status of the last answer; 0 if there was
/// none.
pub(crate) fn try_to_end(registry: &Registry, location: &str, blob: &Blob) -> u16 {
    let have = match received(registry, location) {
        Ok(have) => have,
        Err(status) => return status,
    };
    let rest = &blob.bytes[have..];
    if !rest.is_empty() {
        let range = format!("{have}-{}", blob.bytes.len() - 1);
        let patch = registry.request("PATCH", location).header(CONTENT_RANGE, range).body(rest.to_vec());
        match patch.send().map(|answer| answer.status().as_u16()) {
            Ok(202) => {}
            Ok(other) => return other,
            Err(_) => return 0,
        }
    }
    let put = registry.request("PUT", &format!("{location}?digest={}", blob.digest)).send();
    put.map_or(0, |answer| answer.status().as_u16())
}

/// Checks that a registry has a blob.
#[track_caller]
pub(crate) fn assert_pulled(registry: &Registry, repository: &str, blob: &Blob) {
    let answer = registry.send("GET", &format!("{repository}/blobs/{}", blob.digest));
    assert_eq!(answer.status(), 200, "GET of {}", blob.digest);
    assert!(answer.bytes().unwrap() == blob.bytes, "other bytes than {}", blob.digest);
}
