//! Requests that two readers could understand differently, and requests for another service.

use std::net::TcpListener;
use std::time::Duration;

use gangplank_testkit::{Blob, TestServer};

use crate::raw::{Raw, ask, basic, head};
use crate::server;

/// A request that would be answered 200 if it were read as a request.
fn smuggled(authorization: &str) -> String {
    format!("GET /v2/ HTTP/1.1\r\nHost: smuggled\r\nAuthorization: {authorization}\r\n\r\n")
}

/// The statuses of all answers on one connection, until the server closes it or stops sending.
fn statuses(server: &TestServer, bytes: &str) -> Vec<u16> {
    let mut raw = Raw::connect(server);
    raw.send(bytes);
    raw.finish_sending();
    std::iter::from_fn(|| raw.answer().map(|answer| answer.status)).collect()
}

/// Checks that a request is answered 400 and the bytes after it are ignored.
#[track_caller]
fn check_refused(server: &TestServer, request: &str, behind: &str) {
    let mut raw = Raw::connect(server);
    raw.send(format!("{request}{behind}"));
    let answer = raw.answer().unwrap_or_else(|| panic!("no answer to {request:?}"));
    assert_eq!(answer.status, 400, "{request:?}");
    assert!(raw.closes(), "went on after {request:?}");
}

#[test]
fn a_body_of_two_lengths_ends_the_connection() {
    let server = server();
    let authorization = basic(&server.push_login());
    let behind = smuggled(&authorization);
    for headers in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n",
    ] {
        for line in ["GET /v2/", "POST /v2/sr/blobs/uploads/", "PUT /v2/sr/manifests/v1"] {
            let request = format!(
                "{line} HTTP/1.1\r\nHost: a\r\nAuthorization: {authorization}\r\n{headers}\r\n0\r\n\r\n{behind}"
            );
            assert_eq!(statuses(&server, &request), [400], "{line} with {headers}");
        }
    }
}

#[test]
fn lengths_that_are_no_lengths_are_refused() {
    let server = server();
    let login = server.push_login();
    let behind = smuggled(&basic(&login));
    for headers in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nContent-Length: 0\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: five\r\n",
        "Content-Length: \r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: chunkedx\r\n",
        "Transfer-Encoding: \r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding\t: chunked\r\n",
        "Transfer-Encoding: \u{b}chunked\r\n",
        "Transfer-Encoding: chun\0ked\r\n",
        "X: a\r\n Transfer-Encoding: chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\n continued\r\n",
        "Content-Length : 5\r\n",
        "X: a\rTransfer-Encoding: chunked\r\n",
        "X\0: a\r\n",
        ": a\r\n",
        "no colon\r\n",
    ] {
        check_refused(&server, &head(&login, "POST /v2/sr/blobs/uploads/", headers), &behind);
    }
    assert_eq!(server.registry_as(&login).status("GET", ""), 200);
}

#[test]
fn chunks_that_are_no_chunks_store_nothing() {
    let server = server();
    let login = server.push_login();
    let registry = server.registry_as(&login);
    let blob = Blob::new("01234");
    let behind = smuggled(&basic(&login));
    for body in [
        "x\r\n01234\r\n0\r\n\r\n",
        "-5\r\n01234\r\n0\r\n\r\n",
        "+5\r\n01234\r\n0\r\n\r\n",
        "0x5\r\n01234\r\n0\r\n\r\n",
        "5\r\n0123456\r\n0\r\n\r\n",
        "5\r\n01234X\n0\r\n\r\n",
        "10000000000000005\r\n01234\r\n0\r\n\r\n",
        "\r\n5\r\n01234\r\n0\r\n\r\n",
    ] {
        let line = format!("POST /v2/sr/blobs/uploads/?digest={}", blob.digest);
        let request = head(&login, &line, "Transfer-Encoding: chunked\r\n");
        let answers = statuses(&server, &format!("{request}{body}{behind}"));
        assert!(answers.len() <= 1 && answers.iter().all(|status| *status == 400), "{answers:?}: {body:?}");
        assert_eq!(registry.status("HEAD", &format!("sr/blobs/{}", blob.digest)), 404, "{body:?}");
    }
}

#[test]
fn a_request_has_one_host() {
    let server = server();
    let login = server.push_login();
    let authorization = basic(&login);
    let behind = smuggled(&authorization);
    for hosts in [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host: a\r\nHost: b\r\n",
        "Host: \r\n",
        "Host: a/b\r\n",
        "Host: a b\r\n",
        "Host: user@a\r\n",
        "Host: a,b\r\n",
        "Host: a\"><script>\r\n",
    ] {
        for line in ["GET /v2/", "HEAD /v2/", "GET /", "POST /"] {
            let request = format!("{line} HTTP/1.1\r\n{hosts}Authorization: {authorization}\r\n\r\n");
            let mut raw = Raw::connect(&server);
            raw.send(format!("{request}{behind}"));
            assert_eq!(raw.answer_to_head().unwrap().status, 400, "{line} with {hosts:?}");
        }
    }
}

#[test]
fn the_server_is_no_proxy() {
    let server = server();
    let login = server.push_login();
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    target.set_nonblocking(true).unwrap();
    let address = target.local_addr().unwrap();
    for line in [
        format!("GET http://{address}/v2/"),
        format!("GET https://{address}/v2/"),
        format!("POST http://{address}/"),
        "GET http://127.0.0.1/latest/meta-data/".to_owned(),
        format!("CONNECT {address}"),
        "CONNECT /v2/".to_owned(),
        "TRACE /v2/".to_owned(),
        "TRACE /".to_owned(),
        "TRACK /".to_owned(),
    ] {
        let mut raw = Raw::connect(&server);
        raw.send(head(&login, &line, ""));
        let answer = raw.answer().unwrap();
        assert!(matches!(answer.status, 400 | 404 | 405 | 501), "{line}: {}", answer.head);
        let echoed = String::from_utf8_lossy(&answer.body).contains("Authorization: ");
        assert!(!echoed, "{line}");
    }
    assert!(target.accept().is_err(), "the server opened a connection");
}

#[test]
fn no_other_protocol_is_spoken() {
    let server = server();
    let login = server.push_login();
    let upgrade =
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
    assert_eq!(ask(&server, head(&login, "GET /v2/", upgrade)).unwrap().status, 200);
    let websocket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAA\r\n";
    assert_eq!(ask(&server, head(&login, "GET /v2/", websocket)).unwrap().status, 200);
    for preface in [
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        "GET /v2/ HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET /v2/ HTTP/9.9\r\nHost: a\r\n\r\n",
        "GET /v2/\r\n\r\n",
        "GET  /v2/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /v2/ x HTTP/1.1\r\nHost: a\r\n\r\n",
        "G\0T /v2/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "\0\0\0\0\0\0\r\n\r\n",
        "SSH-2.0-OpenSSH_9.6\r\n\r\n",
    ] {
        let answers = statuses(&server, preface);
        assert!(answers.iter().all(|status| matches!(status, 400 | 505)), "{answers:?} to {preface:?}");
        assert!(answers.len() <= 1, "{answers:?} to {preface:?}");
    }
}

#[test]
fn requests_in_a_row_are_answered_in_a_row() {
    let server = server();
    let login = server.push_login();
    let blob = Blob::unique();
    let head_of = |digest: &str| head(&login, &format!("HEAD /v2/sr/blobs/{digest}"), "");
    let mut raw = Raw::connect(&server);
    let post = format!("POST /v2/sr/blobs/uploads/?digest={}", blob.digest);
    let length = format!("Content-Length: {}\r\n", blob.bytes.len());
    raw.send(
        [
            head_of(&blob.digest).as_bytes(),
            head(&login, &post, &length).as_bytes(),
            &blob.bytes,
            head_of(&blob.digest).as_bytes(),
            b"GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n",
        ]
        .concat(),
    );
    assert_eq!(raw.answer_to_head().unwrap().status, 404);
    assert_eq!(raw.answer().unwrap().status, 201);
    assert_eq!(raw.answer_to_head().unwrap().status, 200);
    assert_eq!(raw.answer().unwrap().status, 401, "credentials are each request's own");
    assert!(raw.is_silent_for(Duration::from_millis(200)));
}

#[test]
fn a_client_that_has_said_all_still_hears_the_answer() {
    let server = server();
    let login = server.push_login();
    let blob = Blob::new(vec![b'h'; 200_000]);
    let mut raw = Raw::connect(&server);
    let post = format!("POST /v2/sr/blobs/uploads/?digest={}", blob.digest);
    raw.send(head(&login, &post, &format!("Content-Length: {}\r\n", blob.bytes.len())));
    raw.send(&blob.bytes);
    raw.finish_sending();
    assert_eq!(raw.answer().unwrap().status, 201);
    assert!(raw.closes());
}

#[test]
fn bare_line_feeds_mean_one_thing_at_most() {
    let server = server();
    let authorization = basic(&server.push_login());
    let request = format!("GET /v2/ HTTP/1.1\nHost: a\nAuthorization: {authorization}\n\n");
    let answers = statuses(&server, &request);
    assert!(answers == [200] || answers == [400] || answers.is_empty(), "{answers:?}");
    let split = "GET /v2/ HTTP/1.1\r\nHost: a\r\nX: a\n\nGET /v2/ HTTP/1.1\r\nHost: b\r\n\r\n";
    assert!(statuses(&server, split).iter().all(|status| matches!(status, 400 | 401)));
}

#[test]
fn paths_are_read_as_they_come() {
    let server = server();
    let login = server.push_login();
    for path in [
        "/v2/../../etc/passwd",
        "/v2/%2e%2e/%2e%2e/etc/passwd",
        "/v2/sr/blobs/../../credentials",
        "/v2/sr/blobs/..%2f..%2fcredentials",
        "/v2/sr/manifests/..%2f..%2fmaster.key",
        "/v2/sr/blobs/uploads/..%2f..%2fmaster.key",
        "/v2//blobs/uploads/x",
        "/v2/sr//tags/list",
        "//v2/",
        "/v2/sr/tags/list/",
        "/v2/%00/tags/list",
        "/v2/sr%2ftags/tags/list",
        "/v2;a=b/sr/tags/list",
        "/./v2/",
        "/V2/",
        "/v2x/",
        "*",
    ] {
        let answer = ask(&server, head(&login, &format!("GET {path}"), "")).unwrap();
        assert!(matches!(answer.status, 400 | 403 | 404), "{path}: {}", answer.head);
        assert_eq!(answer.header("location"), None, "{path}");
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!body.contains("root:") && !body.contains("aws_secret"), "{path}: {body}");
    }
}

/// A proxy that only publishes `/v2/` lets these paths through, and this server would have read them as paths
/// of the API.
#[test]
fn a_path_that_may_mean_another_one_is_refused() {
    let server = server();
    let login = server.push_login();
    let headers: String = server
        .api()
        .signed_headers("Lightsail_20161128.GetContainerServices", b"{}")
        .iter()
        .fold(String::new(), |head, (name, value)| head + &format!("{name}: {value}\r\n"));
    for path in
        ["/foo/../v2/", "/./v2/", "//v2/", "/foo/%2e%2e/v2/", "/foo%2f..%2Fv2/", "/%76%32/", "/foo/.."]
    {
        let call = format!("POST {path} HTTP/1.1\r\n{headers}Content-Length: 2\r\n\r\n{{}}");
        let answer = ask(&server, call).unwrap();
        let told = String::from_utf8(answer.body).unwrap();
        assert!(answer.status == 400 && told.contains("InvalidInputException"), "{path}: {told}");
    }
    for path in ["/v2/../", "/v2/sr//tags/list", "/v2//sr/tags/list", "/v2/sr/%2e%2e/tags/list", "/v2/./"] {
        for request in
            [head(&login, &format!("GET {path}"), ""), format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")]
        {
            let answer = ask(&server, request).unwrap();
            let told = String::from_utf8(answer.body).unwrap();
            assert!(answer.status == 400 && told.contains("\"errors\""), "{path}: {told}");
        }
    }
}
