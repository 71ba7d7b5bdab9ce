//! The largest sizes and numbers that a client may use.

use std::time::{Duration, Instant};

use gangplank_oci::media_type::OCI_MANIFEST;
use gangplank_testkit::{Blob, TestServer};

use crate::answers::refused;
use crate::documents::manifest_of;
use crate::raw::{Raw, ask, head, streamed};
use crate::{builder, server};

const MANIFEST_LIMIT: usize = 4_194_304;

#[test]
fn a_manifest_of_four_mebibytes_is_accepted_and_no_larger_one() {
    let server = server();
    let login = server.operator_login();
    let registry = server.registry_as(&login);
    let body = manifest_of(&registry, MANIFEST_LIMIT);
    assert_eq!(body.len(), MANIFEST_LIMIT);
    assert_eq!(registry.put_manifest("sr", "large", OCI_MANIFEST, &body).status(), 201);
    assert!(registry.send("GET", "sr/manifests/large").bytes().unwrap() == body);

    let kind = format!("Content-Type: {OCI_MANIFEST}\r\n");
    let put = |headers: &str| head(&login, "PUT /v2/sr/manifests/larger", &format!("{kind}{headers}"));
    let larger_put = "PUT /v2/sr/manifests/larger";
    let answer = ask(&server, streamed(&login, larger_put, &kind, &body)).unwrap();
    assert_eq!(answer.status, 201, "streamed");

    for length in [MANIFEST_LIMIT as u64 + 1, 1 << 40, u64::MAX / 2] {
        let answer = ask(&server, put(&format!("Content-Length: {length}\r\n"))).unwrap();
        assert_eq!(answer.status, 413, "without having sent any of it");
        assert!(String::from_utf8(answer.body).unwrap().contains("MANIFEST_INVALID"));
    }
    let larger = manifest_of(&registry, MANIFEST_LIMIT + 1);
    refused(registry.put_manifest("sr", "larger", OCI_MANIFEST, &larger), 413, "MANIFEST_INVALID");
    let mut request = streamed(&login, larger_put, &kind, &larger);
    assert_eq!(ask(&server, &request).unwrap().status, 413, "streamed");
    request.truncate(request.len() - 5);
    assert_eq!(ask(&server, &request).unwrap().status, 413, "answered at the limit, not at the end");
    assert!(registry.send("GET", "sr/manifests/larger").bytes().unwrap() == body);
}

#[test]
fn a_blob_has_its_limit_however_it_comes() {
    let server = builder().arg("--max-blob-bytes").arg("1000").start();
    let login = server.operator_login();
    let registry = server.registry_as(&login);
    let (fits, large) = (Blob::new(vec![b'f'; 1000]), Blob::new(vec![b'l'; 1001]));
    assert_eq!(registry.push_blob("sr", &fits), 201);
    let post = |blob: &Blob| format!("/v2/sr/blobs/uploads/?digest={}", blob.digest);
    let declared = |method: &str, path: &str| {
        ask(&server, head(&login, &format!("{method} {path}"), "Content-Length: 1001\r\n")).unwrap().status
    };
    let streamed = |method: &str, path: &str| {
        let request = streamed(&login, &format!("{method} {path}"), "", &large.bytes);
        ask(&server, request).unwrap().status
    };
    assert_eq!((declared("POST", &post(&large)), streamed("POST", &post(&large))), (413, 413));
    for send in [&declared as &dyn Fn(&str, &str) -> u16, &streamed] {
        let location = registry.start_upload("sr");
        assert_eq!(send("PATCH", &location), 413);
        assert_eq!(registry.status("GET", &location), 404, "the session is over");
        let location = registry.start_upload("sr");
        assert_eq!(send("PUT", &format!("{location}?digest={}", large.digest)), 413);
        assert_eq!(registry.status("GET", &location), 404, "the session is over");
    }
    let location = registry.start_upload("sr");
    let patch = registry.request("PATCH", &location).body(vec![b'l'; 600]).send().unwrap();
    assert_eq!(patch.status(), 202);
    let patch = registry.request("PATCH", &location).body(vec![b'l'; 401]).send().unwrap();
    refused(patch, 413, "SIZE_INVALID");
    assert_eq!(registry.status("GET", &location), 404, "the session is over");
    assert_eq!(registry.status("HEAD", &format!("sr/blobs/{}", large.digest)), 404);
    assert_eq!(std::fs::read_dir(server.data_dir().join("blobs/staged")).unwrap().count(), 0);
}

#[test]
fn a_refusal_does_not_wait_for_the_body() {
    let server = server();
    let login = server.push_login();
    let length = "Content-Length: 9000000000\r\n";
    let anonymous = |line: &str, headers: &str| format!("{line} HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
    for (request, status) in [
        (anonymous("PUT /v2/sr/manifests/v1", length), 401),
        (anonymous("POST /v2/sr/blobs/uploads/", length), 401),
        (anonymous("PATCH /v2/sr/blobs/uploads/0", "Transfer-Encoding: chunked\r\n"), 401),
        (anonymous("PUT /v2/sr/manifests/v1", &format!("{length}Expect: 100-continue\r\n")), 401),
        (head(&login, "PUT /v2/sr/manifests/v1", &format!("{length}Expect: 100-continue\r\n")), 413),
        (head(&login, "DELETE /v2/sr/manifests/v1", length), 403),
        (head(&login, "PATCH /v2/sr/blobs/uploads/0", length), 404),
        (head(&login, "PUT /v2/UPPER/manifests/v1", length), 400),
        (anonymous("PUT /elsewhere", length), 404),
    ] {
        let mut raw = Raw::connect(&server);
        raw.send(&request);
        assert_eq!(raw.answer().unwrap().status, status, "{request}");
        assert!(raw.closes(), "the connection cannot go on: {request}");
    }
}

#[test]
fn a_refusal_reaches_a_client_that_sends_the_body_anyway() {
    let server = server();
    let body = vec![b'x'; 6 << 20];
    for _ in 0..5 {
        let mut raw = Raw::connect(&server);
        raw.send(format!(
            "PUT /v2/sr/manifests/v1 HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
            body.len()
        ));
        raw.send(&body);
        assert_eq!(raw.answer().unwrap().status, 401);
    }
}

#[test]
fn a_body_can_wait_for_leave() {
    let server = server();
    let login = server.push_login();
    let blob = Blob::unique();
    let mut raw = Raw::connect(&server);
    let headers = format!("Content-Length: {}\r\nExpect: 100-continue\r\n", blob.bytes.len());
    raw.send(head(&login, &format!("POST /v2/sr/blobs/uploads/?digest={}", blob.digest), &headers));
    assert_eq!(raw.answer().unwrap().status, 100);
    raw.send(&blob.bytes);
    assert_eq!(raw.answer().unwrap().status, 201);
}

/// If the answer did not say that the connection closes, the client would send its next request on a connection
/// that is about to be closed.
#[test]
fn an_answer_before_the_end_of_a_body_says_that_the_connection_closes() {
    let server = server();
    let login = server.push_login();
    for target in ["PUT /v2/sr/blobs/uploads/0?digest=x", "PATCH /v2/sr/blobs/uploads/0", "POST /v2/nothing"]
    {
        let mut raw = Raw::connect(&server);
        raw.send(head(&login, target, "Content-Length: 300000\r\n"));
        raw.send(vec![b'a'; 100_000]);
        let answer = raw.answer().unwrap();
        assert!(answer.status >= 400, "{}", answer.head);
        assert_eq!(answer.header("connection"), Some("close"), "{target}: {}", answer.head);
    }
}

#[test]
fn a_request_line_and_headers_have_their_limits() {
    let server = server();
    let login = server.push_login();
    let get = |path: &str, headers: &str| {
        let mut raw = Raw::connect(&server);
        raw.send(head(&login, &format!("GET {path}"), headers));
        let answer = raw.answer().unwrap();
        assert_eq!(raw.closes(), answer.status >= 400, "{}", answer.head);
        answer.status
    };
    let many =
        |count: usize| (0..count).map(|number| format!("X-{number}: a\r\n")).collect::<Vec<_>>().concat();
    let fits = |status: u16| assert_eq!(status, 200);
    let finish = "Connection: close\r\n";
    fits(
        ask(&server, head(&login, "GET /v2/", &format!("X-Big: {}\r\n{finish}", "a".repeat(31 << 10))))
            .unwrap()
            .status,
    );
    fits(ask(&server, head(&login, "GET /v2/", &many(98))).unwrap().status);
    fits(ask(&server, head(&login, &format!("GET /v2/?{}", "a".repeat(8_000)), "")).unwrap().status);
    assert!(matches!(get(&format!("/v2/?{}", "a".repeat(8_300)), ""), 414 | 400));
    assert!(matches!(get(&format!("/v2/{}/tags/list", "a/".repeat(5_000)), ""), 414 | 400));
    assert!(matches!(get(&format!("/v2/?{}", "a".repeat(70_000)), ""), 414 | 431));
    assert_eq!(get("/v2/", &format!("X-Big: {}\r\n", "a".repeat(33 << 10))), 431);
    assert_eq!(get("/v2/", &format!("X-Big: {}\r\n", "a".repeat(200 << 10))), 431);
    assert_eq!(get("/v2/", &many(101)), 431);
    assert_eq!(get("/v2/", &many(5_000)), 431);
    let long = format!("GET /v2/ HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {}\r\n\r\n", "A".repeat(4_200));
    assert!(matches!(ask(&server, long).unwrap().status, 401 | 431));
    let endless = format!("GET /v2/ HTTP/1.1\r\nHost: a\r\nX-Endless: {}", "a".repeat(1 << 20));
    assert_eq!(ask(&server, endless).unwrap().status, 431, "answered at the limit, not at the end");
    fits(server.registry_as(&login).status("GET", ""));
}

#[test]
fn a_long_name_is_refused_in_words() {
    let server = server();
    let registry = server.registry_as(&server.operator_login());
    let room = 255 - server.host().len() - 1;
    let digest = Blob::unique().digest;
    assert_eq!(registry.push_blob(&"a".repeat(room), &Blob::unique()), 201);
    for length in [room + 1, 255, 256, 300, 1_000, 5_000] {
        let name = "a".repeat(length);
        for (method, path) in [
            ("GET", format!("{name}/manifests/v1")),
            ("PUT", format!("{name}/manifests/v1")),
            ("GET", format!("{name}/blobs/{digest}")),
            ("POST", format!("{name}/blobs/uploads/")),
            ("POST", format!("{name}/blobs/uploads/?digest={digest}")),
            ("GET", format!("{name}/tags/list")),
            ("GET", format!("{name}/referrers/{digest}")),
            ("DELETE", format!("{name}/manifests/v1")),
        ] {
            refused(registry.send(method, &path), 400, "NAME_INVALID");
        }
    }
    let from = "a".repeat(300);
    let mount = registry.send("POST", &format!("sr/blobs/uploads/?mount={digest}&from={from}"));
    refused(mount, 400, "NAME_INVALID");
}

#[test]
fn more_connections_than_allowed_are_refused_and_places_come_back() {
    let server = builder().arg("--max-connections").arg("3").start();
    let login = server.push_login();
    let request = head(&login, "GET /v2/", "");
    let answers = |server: &TestServer| {
        let mut raw = Raw::connect(server);
        raw.send(&request);
        raw.answer().map(|answer| (answer, raw))
    };
    let start = Instant::now();
    let mut held: Vec<Raw> = Vec::new();
    // The connection that made the login may still be open.
    while let Some((answer, raw)) = answers(&server) {
        assert_eq!(answer.status, 200);
        held.push(raw);
    }
    assert!((2..=3).contains(&held.len()), "{}", held.len());
    drop(held);
    while answers(&server).is_none() {
        assert!(start.elapsed() < Duration::from_secs(15), "no place came back");
        std::thread::sleep(Duration::from_millis(50));
    }
}
