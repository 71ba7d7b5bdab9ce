//! Many clients at once: none uses much memory, and none delays the others.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use gangplank_oci::Digest;
use gangplank_oci::media_type::OCI_MANIFEST;
use gangplank_testkit::TestServer;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::documents::manifest_of;
use crate::raw::{Raw, ask, head};
use crate::{server, server_with};

/// The server's own memory in bytes: the current one, or the largest.
pub(crate) fn memory(server: &TestServer, which: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id())).unwrap();
    let line = status.lines().find(|line| line.starts_with(which)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

pub(crate) const MIB: u64 = 1 << 20;

#[test]
fn ten_thousand_idle_connections_do_no_harm() {
    const CONNECTIONS: usize = 10_000;
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    // The server keeps a quarter of its files for other things than connections.
    if limit.maximum.is_some_and(|files| files / 4 * 3 < CONNECTIONS as u64 + 100) {
        gangplank_testkit::skip("ten thousand connections: the limit on open files is too low");
        return;
    }
    let server = server_with(|builder| builder.arg("--max-connections-per-address").arg("20000"));
    let before = memory(&server, "VmRSS");
    let mut idle = Vec::new();
    for number in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        // Every second one has made a request, and is kept alive.
        if number % 2 == 0 {
            stream.write_all(b"GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        }
        idle.push(stream);
    }
    for stream in idle.iter_mut().step_by(2) {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 401");
    }
    let start = Instant::now();
    assert_eq!(ask(&server, "GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n").unwrap().status, 401);
    assert_eq!(server.registry_as(&server.push_login()).status("GET", ""), 200);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    let grown = memory(&server, "VmRSS").saturating_sub(before);
    assert!(grown < 256 * MIB, "{} MiB for {CONNECTIONS} connections", grown / MIB);
}

#[test]
fn large_manifests_that_nobody_reads_hold_little_memory() {
    const READERS: usize = 120;
    let server = server();
    let login = server.push_login();
    let registry = server.registry_as(&login);
    let body = manifest_of(&registry, 3 << 20);
    assert_eq!(registry.put_manifest("sr", "v1", OCI_MANIFEST, &body).status(), 201);
    let line = format!("GET /v2/sr/manifests/{}", Digest::sha256(&body));
    let before = memory(&server, "VmRSS");
    let readers: Vec<Raw> = (0..READERS)
        .map(|_| {
            let mut raw = Raw::connect(&server);
            raw.send(head(&login, &line, ""));
            raw
        })
        .collect();
    std::thread::sleep(Duration::from_secs(2));
    let grown = memory(&server, "VmRSS").saturating_sub(before);
    assert!(grown < 128 * MIB, "{} MiB for {READERS} readers", grown / MIB);
    // Another login has its own share.
    let other = server.registry_as(&server.operator_login());
    assert_eq!(other.status("GET", "sr/manifests/v1"), 200);
    drop(readers);
    assert_eq!(registry.status("GET", &line["GET /v2/".len()..]), 200);
}

#[test]
fn a_hundred_large_uploads_at_once_are_not_held_in_memory() {
    const UPLOADS: usize = 100;
    // The uploads together are larger than the memory that the server may use.
    const SIZE: usize = 3 << 20;
    let server = server();
    let login = server.push_login();
    assert_eq!(server.registry_as(&login).status("GET", ""), 200);
    let before = memory(&server, "VmHWM");
    let mut uploads = Vec::new();
    for number in 0..UPLOADS {
        let body = vec![u8::try_from(number).unwrap(); SIZE];
        let line = format!("POST /v2/sr/blobs/uploads/?digest={}", Digest::sha256(&body));
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.write_all(head(&login, &line, &format!("Content-Length: {SIZE}\r\n")).as_bytes()).unwrap();
        // Sends half of each body, so that all of them are in progress.
        stream.write_all(&body[..SIZE / 2]).unwrap();
        uploads.push((stream, body));
    }
    for (stream, body) in &mut uploads {
        stream.write_all(&body[SIZE / 2..]).unwrap();
    }
    for (stream, _) in &mut uploads {
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 201");
    }
    let grown = memory(&server, "VmHWM").saturating_sub(before);
    assert!(grown < 256 * MIB, "{} MiB for {UPLOADS} uploads", grown / MIB);
}

#[test]
fn many_slow_blobs_in_one_request_hold_little_memory() {
    const UPLOADS: usize = 500;
    const SIZE: usize = 220 << 10;
    let server = server();
    let login = server.push_login();
    assert_eq!(server.registry_as(&login).status("GET", ""), 200);
    let before = memory(&server, "VmRSS");
    let mut uploads: Vec<(Raw, Vec<u8>)> = (0..UPLOADS)
        .map(|number| {
            let body = number.to_le_bytes().repeat(SIZE / size_of::<usize>());
            let line = format!("POST /v2/sr/blobs/uploads/?digest={}", Digest::sha256(&body));
            let mut raw = Raw::connect(&server);
            raw.send(head(&login, &line, &format!("Content-Length: {SIZE}\r\n")));
            raw.send(&body[..SIZE - 1]);
            (raw, body)
        })
        .collect();
    std::thread::sleep(Duration::from_secs(1));
    let grown = memory(&server, "VmRSS").saturating_sub(before);
    assert!(grown < 200 * MIB, "{} MiB for {UPLOADS} uploads", grown / MIB);
    let staged = server.data_dir().join("blobs/staged").read_dir().unwrap().count();
    assert!((1..UPLOADS).contains(&staged), "{staged} of them are in files");
    for (raw, body) in &mut uploads {
        raw.send(&body[SIZE - 1..]);
        assert_eq!(raw.answer().unwrap().status, 201);
    }
    assert_eq!(server.data_dir().join("blobs/staged").read_dir().unwrap().count(), 0);
}
