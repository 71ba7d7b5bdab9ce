//! Stopping a server, and starting a second one on the same data directory.

use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use gangplank_testkit::{Blob, TestServer};
use rustix::process::Signal;

use crate::raw::{Raw, call_head, head};
use crate::server;

fn refuses_connections(server: &TestServer) -> bool {
    TcpStream::connect(server.address()).is_err()
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(15), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_upload_in_flight_is_finished_before_the_end() {
    let mut server = server();
    let login = server.operator_login();
    let blob = Blob::unique();
    let mut upload = Raw::connect(&server);
    let post = format!("POST /v2/sr/blobs/uploads/?digest={}", blob.digest);
    let headers = format!("Content-Length: {}\r\nExpect: 100-continue\r\n", blob.bytes.len());
    upload.send(head(&login, &post, &headers));
    assert_eq!(upload.answer().unwrap().status, 100, "the upload begins");
    upload.send(&blob.bytes[..5]);
    server.signal(Signal::TERM);
    until("new connections are refused", || refuses_connections(&server));
    upload.send(&blob.bytes[5..]);
    assert_eq!(upload.answer().unwrap().status, 201);
    assert!(upload.closes());
    assert_eq!(server.wait().code(), Some(0));
    server.restart();
    let got = server.registry_as(&login).send("GET", &format!("sr/blobs/{}", blob.digest));
    assert_eq!(got.bytes().unwrap(), blob.bytes);
}

#[test]
fn connections_that_ask_for_nothing_hold_nothing_up() {
    let mut server = server();
    let mut idle = Raw::connect(&server);
    idle.send("GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(idle.answer().unwrap().status, 401);
    let mut silent = Raw::connect(&server);
    let start = Instant::now();
    assert_eq!(server.terminate().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    assert!(idle.closes() && silent.closes());
    assert!(refuses_connections(&server));
}

#[test]
fn strangers_hold_nothing_up() {
    let mut server = server();
    let forged = server.api().signed_headers("Lightsail_20161128.GetContainerServices", b"another body");
    let mut held: Vec<Raw> = Vec::new();
    for sent in [
        "G".to_owned(),
        "GET /v2/ HTTP/1.1\r\nHost: a\r\nX-Half: ".to_owned(),
        "GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\nGET /v2/ HTTP/1.1\r\n".to_owned(),
        call_head(&forged, 100),
        // Many refusals, none of which is read.
        "GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n".repeat(50_000),
        "PUT /v2/sr/manifests/v1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n".to_owned(),
    ] {
        let mut raw = Raw::connect(&server);
        raw.send_what_is_taken(sent.as_bytes());
        held.push(raw);
    }
    thread::sleep(Duration::from_millis(300));
    let start = Instant::now();
    assert_eq!(server.terminate().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(!server.log().contains("still running"), "{}", server.log());
    server.restart();
    assert!(!server.log().contains("crash"), "{}", server.log());
    drop(held);
}

#[test]
fn a_client_that_never_ends_is_not_waited_for_for_ever() {
    let mut server = crate::builder().arg("--drain-timeout").arg("1").start();
    let login = server.push_login();
    let mut upload = Raw::connect(&server);
    upload.send(head(&login, "POST /v2/sr/blobs/uploads/?digest=x", "Content-Length: 9\r\n"));
    assert_eq!(upload.answer().unwrap().status, 400);
    let mut upload = Raw::connect(&server);
    let post = format!("POST /v2/sr/blobs/uploads/?digest={}", Blob::unique().digest);
    upload.send(head(&login, &post, "Content-Length: 1000\r\nExpect: 100-continue\r\n"));
    assert_eq!(upload.answer().unwrap().status, 100, "the upload begins");
    let start = Instant::now();
    assert_eq!(server.terminate().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    server.restart();
    until("what it left is gone", || server.data_dir().join("blobs/staged").read_dir().unwrap().count() == 0);
}

#[test]
fn a_data_directory_has_one_server() {
    let mut server = server();
    let second = || {
        Command::new(env!("CARGO_BIN_EXE_gangplank"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(server.data_dir())
            .output()
            .unwrap()
    };
    let refused = second();
    assert!(!refused.status.success());
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("in use by another gangplank") && told.contains("--data-dir"), "{told}");
    assert!(refused.stdout.is_empty());
    assert_eq!(server.registry().status("GET", ""), 401);
    server.kill();
    server.restart();
    assert_eq!(server.registry().status("GET", ""), 401, "a crash leaves no lock behind");
}
