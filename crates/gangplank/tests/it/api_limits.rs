//! The size of a call, and the speed at which it arrives.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use crate::api_wire::{Call, LIST, connect, exchange};
use crate::{server, server_with};

const MIB: usize = 1 << 20;
const TOO_LARGE: &str = "RequestEntityTooLarge";

/// A JSON object of exactly this many bytes.
fn object(size: usize) -> String {
    format!("{{\"filler\":\"{}\"}}", "a".repeat(size - 13))
}

#[test]
fn a_mebibyte_is_read_and_not_a_byte_more() {
    let server = server();
    let whole = Call::new(&server, LIST, &object(MIB)).signed();
    assert_eq!(whole.body.len(), MIB);
    assert_eq!(whole.send().status, 200);
    let more = Call::new(&server, LIST, &object(MIB + 1)).signed().send();
    assert_eq!((more.status, more.error().as_str()), (413, TOO_LARGE), "{}", more.text());
    assert!(more.header("x-amzn-requestid").is_some());
    assert_eq!(more.header("connection"), Some("close"));
}

#[test]
fn too_much_is_refused_before_it_is_read() {
    let server = server();
    for length in ["1048577", "99999999999", "18446744073709551615"] {
        let mut call = Call::new(&server, LIST, "{}").signed();
        call.add("Content-Length", length);
        call.body.clear();
        let answer = call.send();
        // The last size is more than HTTP libraries can count.
        let expected: &[u16] = if length.len() == 20 { &[400, 413, 431] } else { &[413] };
        assert!(expected.contains(&answer.status), "{length}: {}", answer.text());
    }
    // The answer is the same without a signature, and with or without "Expect: 100-continue".
    let mut call = Call::new(&server, LIST, "");
    call.add("Content-Length", "2000000");
    call.add("Expect", "100-continue");
    let answer = call.send();
    assert!([413, 400].contains(&answer.status), "{}", answer.text());
}

#[test]
fn a_body_of_unknown_length_is_cut_at_the_limit() {
    let server = server();
    let body = object(MIB + 100_000);
    let mut call = Call::new(&server, LIST, &body).signed();
    call.add("Transfer-Encoding", "chunked");
    let mut request = call.head().into_bytes();
    for piece in body.as_bytes().chunks(50_000) {
        request.extend(format!("{:x}\r\n", piece.len()).bytes());
        request.extend(piece);
        request.extend(b"\r\n");
    }
    let answer = exchange(server.address(), &request);
    assert_eq!((answer.status, answer.error().as_str()), (413, TOO_LARGE), "{}", answer.text());

    // Within the limit, chunks are allowed.
    let mut small = Call::new(&server, LIST, "{}").signed();
    small.add("Transfer-Encoding", "chunked");
    let request = format!("{}1\r\n{{\r\n1\r\n}}\r\n0\r\n\r\n", small.head());
    assert_eq!(exchange(server.address(), request.as_bytes()).status, 200);
}

#[test]
fn a_large_body_that_is_refused_still_gets_its_answer() {
    let server = server();
    // Clients send the whole body and then read.
    for size in [200_000, MIB, 3 * MIB] {
        let mut call = Call::new(&server, LIST, &object(size)).signed();
        call.edit("authorization", "Signature=", "Signature=0");
        for _ in 0..10 {
            let mut stream = connect(server.address());
            stream.write_all(call.head().as_bytes()).unwrap();
            let sent = stream.write_all(&call.body);
            let mut answer = [0; 12];
            let read = stream.read_exact(&mut answer);
            assert!(read.is_ok(), "{size}: {read:?} after {sent:?}");
            let expected: &[u8] = if size > MIB { b"HTTP/1.1 413" } else { b"HTTP/1.1 400" };
            assert_eq!(&answer, expected);
        }
    }
}

#[test]
fn the_limit_can_be_changed() {
    let server = server_with(|builder| builder.env("GANGPLANK_MAX_API_BODY_BYTES", "100"));
    assert_eq!(Call::new(&server, LIST, &object(100)).signed().send().status, 200);
    assert_eq!(Call::new(&server, LIST, &object(101)).signed().send().status, 413);
}

#[test]
fn a_body_that_stops_coming_is_given_up_and_a_slow_one_is_not() {
    let server = server_with(|builder| builder.env("GANGPLANK_BODY_TIMEOUT", "1"));
    let call = Call::new(&server, LIST, &object(100)).signed();
    let mut stalled = connect(server.address());
    stalled.write_all(call.head().as_bytes()).unwrap();
    stalled.write_all(&call.body[..50]).unwrap();
    let started = Instant::now();
    let mut answer = Vec::new();
    stalled.read_to_end(&mut answer).unwrap();
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");

    let mut slow = connect(server.address());
    slow.write_all(call.head().as_bytes()).unwrap();
    for piece in call.body.chunks(25) {
        std::thread::sleep(Duration::from_millis(400));
        slow.write_all(piece).unwrap();
    }
    let mut answer = [0; 12];
    slow.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

#[test]
fn a_body_cut_short_changes_nothing() {
    let server = server();
    let create = r#"{"serviceName":"web","power":"nano","scale":1}"#;
    let call = Call::new(&server, "Lightsail_20161128.CreateContainerService", create).signed();
    let mut cut = connect(server.address());
    cut.write_all(call.head().as_bytes()).unwrap();
    cut.write_all(&call.body[..20]).unwrap();
    cut.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _ = cut.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(Call::new(&server, LIST, "{}").signed().send().body, b"{\"containerServices\":[]}");
}
