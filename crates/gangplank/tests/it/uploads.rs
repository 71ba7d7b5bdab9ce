//! Every way to push a blob, correctly and with errors.

use gangplank_oci::{Algorithm, Digest};
use gangplank_testkit::{Blob, Registry, TestServer};
use reqwest::blocking::{Body, Response};
use reqwest::header::CONTENT_RANGE;
use serde_json::json;

use crate::answers::{header, received, refused};
use crate::raw::{self, Raw, ask, head};
use crate::shutdown::until;
use crate::{builder, server, server_with};

fn start() -> (TestServer, Registry) {
    let server = server();
    let registry = server.registry_as(&server.push_login());
    (server, registry)
}

fn is_there(registry: &Registry, digest: &str) -> bool {
    registry.status("HEAD", &format!("sr/blobs/{digest}")) == 200
}

fn patch(registry: &Registry, location: &str, range: &str, bytes: &[u8]) -> Response {
    let request = registry.request("PATCH", location).body(bytes.to_vec());
    let request = if range.is_empty() { request } else { request.header(CONTENT_RANGE, range) };
    request.send().unwrap()
}

/// A chunked body.
fn streamed(bytes: &[u8]) -> Body {
    Body::new(std::io::Cursor::new(bytes.to_vec()))
}

#[test]
fn a_blob_can_be_pushed_in_every_way() {
    let (_server, registry) = start();
    let blob = Blob::unique();
    let query = format!("?digest={}", blob.digest);
    let post = registry.request("POST", &format!("sr/blobs/uploads/{query}")).body(blob.bytes.clone());
    let answer = post.send().unwrap();
    assert_eq!(answer.status(), 201, "one POST");
    assert_eq!(header(&answer, "location"), format!("/v2/sr/blobs/{}", blob.digest));
    assert_eq!(header(&answer, "docker-content-digest"), blob.digest);
    assert!(is_there(&registry, &blob.digest));

    let blob = Blob::unique();
    assert_eq!(registry.push_blob("sr", &blob), 201, "POST and PUT");
    assert!(is_there(&registry, &blob.digest));

    let blob = Blob::unique();
    let location = registry.start_upload("sr");
    let answer = registry.request("PATCH", &location).body(streamed(&blob.bytes)).send().unwrap();
    assert_eq!((answer.status().as_u16(), received(&answer)), (202, format!("0-{}", blob.bytes.len() - 1)));
    let put = format!("{}?digest={}", header(&answer, "location"), blob.digest);
    assert_eq!(registry.put_blob(&put, b""), 201, "POST, one streamed PATCH, PUT");
    assert!(is_there(&registry, &blob.digest));

    let blob = Blob::unique();
    let location = registry.start_upload("sr");
    let put = registry.request("PUT", &format!("{location}?digest={}", blob.digest.replace(':', "%3A")));
    assert_eq!(put.body(streamed(&blob.bytes)).send().unwrap().status(), 201, "POST, streamed PUT");
    assert!(is_there(&registry, &blob.digest));

    let blob = Blob::unique();
    let location = registry.start_upload("sr");
    let (first, second) = blob.bytes.split_at(10);
    let (second, third) = second.split_at(5);
    assert_eq!(received(&patch(&registry, &location, "0-9", first)), "0-9");
    assert_eq!(received(&patch(&registry, &location, "bytes 10-14/*", second)), "0-14");
    let last = format!("15-{}", blob.bytes.len() - 1);
    let put = registry.request("PUT", &format!("{location}?digest={}", blob.digest));
    let answer = put.header(CONTENT_RANGE, last).body(third.to_vec()).send().unwrap();
    assert_eq!(answer.status(), 201, "POST, chunks, last chunk in the PUT");
    assert!(is_there(&registry, &blob.digest));
}

#[test]
fn a_repeated_last_request_is_answered_like_the_first() {
    let (server, registry) = start();
    let blob = Blob::unique();
    let put = format!("{}?digest={}", registry.start_upload("sr"), blob.digest);
    assert_eq!(registry.put_blob(&put, &blob.bytes), 201);
    // The client has not received that answer, and repeats the request.
    for again in [&blob.bytes[..], b"", &vec![7; 3_000_000]] {
        let answer = registry.request("PUT", &put).body(again.to_vec()).send().unwrap();
        assert_eq!(answer.status(), 201);
        assert_eq!(header(&answer, "location"), format!("/v2/sr/blobs/{}", blob.digest));
        assert_eq!(header(&answer, "docker-content-digest"), blob.digest);
    }
    let renewed = server.registry_as(&server.push_login());
    assert_eq!(renewed.put_blob(&put, b""), 201, "a session is its owner's");
    let other = put.replace(&blob.digest, &Blob::unique().digest);
    let elsewhere = put.replace("/sr/", "/other/");
    let path = put.split('?').next().unwrap();
    for wrong in [&other, &elsewhere] {
        refused(registry.send("PUT", wrong), 404, "BLOB_UPLOAD_UNKNOWN");
    }
    for method in ["GET", "PATCH", "DELETE"] {
        refused(registry.send(method, path), 404, "BLOB_UPLOAD_UNKNOWN");
    }
    let key = server.api().gangplank("CreateAccessKey", &json!({})).body["accessKey"].clone();
    let stranger = server.registry_as(&server.api().as_key(&key).push_login());
    if !crate::are_replicas("another replica says what it would say to a HEAD: the blob is there") {
        refused(stranger.send("PUT", &put), 404, "BLOB_UPLOAD_UNKNOWN");
    }
    // A 201 says that the blob exists.
    let operator = server.registry_as(&server.operator_login());
    assert_eq!(operator.status("DELETE", &format!("sr/blobs/{}", blob.digest)), 202);
    refused(registry.send("PUT", &put), 404, "BLOB_UPLOAD_UNKNOWN");
}

#[test]
fn a_last_request_without_a_body_may_say_what_has_come() {
    let (_server, registry) = start();
    for (range, status) in [("0-%", 201), ("3-%", 201), ("%-%", 416), ("0-3", 416)] {
        let blob = Blob::unique();
        let location = registry.start_upload("sr");
        assert_eq!(patch(&registry, &location, "", &blob.bytes).status(), 202);
        let range = range.replace('%', &(blob.bytes.len() - usize::from(status == 201)).to_string());
        let put = registry.request("PUT", &format!("{location}?digest={}", blob.digest));
        let answer = put.header(CONTENT_RANGE, &range).send().unwrap();
        assert_eq!(answer.status(), status, "{range}");
        assert_eq!(is_there(&registry, &blob.digest), status == 201);
    }
    let blob = Blob::unique();
    let location = registry.start_upload("sr");
    patch(&registry, &location, "", &blob.bytes);
    let whole = format!("0-{}", blob.bytes.len() - 1);
    assert_eq!(patch(&registry, &location, &whole, b"").status(), 416, "only the last request may");
}

#[test]
fn an_empty_blob_is_a_blob() {
    let (server, registry) = start();
    let empty = Blob::new(Vec::new());
    assert_eq!(registry.push_blob("sr", &empty), 201);
    let answer = registry.send("HEAD", &format!("sr/blobs/{}", empty.digest));
    assert_eq!((answer.status().as_u16(), header(&answer, "content-length")), (200, "0".to_owned()));
    let operator = server.registry_as(&server.operator_login());
    assert!(operator.send("GET", &format!("sr/blobs/{}", empty.digest)).bytes().unwrap().is_empty());
    assert_eq!(registry.push_blob("other", &empty), 201);
}

#[test]
fn sha512_is_right_or_refused() {
    let (server, registry) = start();
    let bytes = Blob::unique().bytes;
    let digest = Digest::of(Algorithm::Sha512, &bytes).to_string();
    let wrong = Digest::of(Algorithm::Sha512, b"other").to_string();
    let put = |digest: &str| {
        let location = registry.start_upload("sr");
        assert_eq!(patch(&registry, &location, "", &bytes[..9]).status(), 202);
        registry.put_blob(&format!("{location}?digest={digest}"), &bytes[9..])
    };
    assert_eq!(put(&wrong), 400);
    assert!(!is_there(&registry, &wrong) && !is_there(&registry, &digest));
    assert_eq!(put(&digest), 201);
    assert!(is_there(&registry, &digest));
    let operator = server.registry_as(&server.operator_login());
    assert_eq!(operator.send("GET", &format!("sr/blobs/{digest}")).bytes().unwrap(), bytes);
}

#[test]
fn bytes_of_another_digest_are_stored_under_neither() {
    let (server, registry) = start();
    let (sent, claimed) = (Blob::unique(), Blob::unique());
    let neither = || !is_there(&registry, &sent.digest) && !is_there(&registry, &claimed.digest);
    let query = format!("?digest={}", claimed.digest);

    let post = registry.request("POST", &format!("sr/blobs/uploads/{query}")).body(sent.bytes.clone());
    refused(post.send().unwrap(), 400, "DIGEST_INVALID");
    assert!(neither());

    let location = registry.start_upload("sr");
    let put = registry.request("PUT", &format!("{location}{query}")).body(sent.bytes.clone());
    refused(put.send().unwrap(), 400, "DIGEST_INVALID");
    assert!(neither());

    let location = registry.start_upload("sr");
    patch(&registry, &location, "", &sent.bytes);
    refused(registry.send("PUT", &format!("{location}{query}")), 400, "DIGEST_INVALID");
    assert!(neither());
    if crate::are_replicas("they have no directory to look into") {
        return;
    }
    let staged = std::fs::read_dir(server.data_dir().join("blobs/staged")).unwrap();
    assert_eq!(staged.count(), 0, "bytes stay behind");
}

#[test]
fn what_is_no_digest_is_refused() {
    let (_server, registry) = start();
    let hex = "a".repeat(64);
    let bad = [
        String::new(),
        "?digest=".to_owned(),
        "?digest=sha256".to_owned(),
        "?digest=sha256:".to_owned(),
        format!("?digest={hex}"),
        format!("?digest=sha256:{}", "a".repeat(63)),
        format!("?digest=sha256:{}", "a".repeat(65)),
        format!("?digest=sha256:{}", "A".repeat(64)),
        format!("?digest=sha256:{}", "g".repeat(64)),
        format!("?digest=SHA256:{hex}"),
        format!("?digest=sha256:{hex}%00"),
        format!("?digest=../sha256:{hex}"),
        format!("?digest=md5:{}", "a".repeat(32)),
        format!("?digest=sha384:{}", "a".repeat(96)),
        format!("?digest=sha512:{hex}"),
        format!("?digest=sha256:{hex}&digest=sha256:{hex}"),
    ];
    for query in &bad {
        let location = registry.start_upload("sr");
        refused(registry.send("PUT", &format!("{location}{query}")), 400, "DIGEST_INVALID");
        // The session is unchanged.
        assert_eq!(registry.status("GET", &location), 204, "{query}");
        if !query.is_empty() {
            refused(registry.send("POST", &format!("sr/blobs/uploads/{query}")), 400, "DIGEST_INVALID");
        }
    }
    for digest in ["sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha256:..%2f..", "latest"] {
        refused(registry.send("HEAD", &format!("sr/blobs/{digest}")), 400, "DIGEST_INVALID");
    }
}

#[test]
fn a_chunk_that_does_not_fit_is_refused_and_the_session_stays() {
    let (server, registry) = start();
    let blob = Blob::unique();
    let location = registry.start_upload("sr");
    assert_eq!(received(&registry.send("GET", &location)), "0-0");
    assert_eq!(patch(&registry, &location, "0-9", &blob.bytes[..10]).status(), 202);
    let wrong = [
        ("11-15", 5, 416),
        ("0-9", 10, 416),
        ("9-13", 5, 416),
        ("10-20", 5, 416),
        ("10-12", 5, 416),
        ("10-18446744073709551614", 5, 416),
        ("15-10", 5, 400),
        ("10-", 5, 400),
        ("-5", 5, 400),
        ("ten-fifteen", 5, 400),
        ("10-99999999999999999999999", 5, 400),
        ("bytes */15", 5, 400),
    ];
    let login = server.push_login();
    let put = format!("{location}?digest={}", blob.digest);
    for (range, length, status) in wrong {
        let bytes = &blob.bytes[10..10 + length];
        for (method, path) in [("PATCH", &location), ("PUT", &put)] {
            let request = registry.request(method, path).header(CONTENT_RANGE, range);
            refused(request.body(bytes.to_vec()).send().unwrap(), status, "BLOB_UPLOAD_INVALID");
            let (line, header) = (format!("{method} {path}"), format!("Content-Range: {range}\r\n"));
            let answer = ask(&server, raw::streamed(&login, &line, &header, bytes)).unwrap();
            assert_eq!(answer.status, status, "{method} {range}, streamed");
            let stands = registry.send("GET", &location);
            assert_eq!((stands.status().as_u16(), received(&stands)), (204, "0-9".to_owned()), "{range}");
        }
    }
    assert_eq!(registry.put_blob(&put, &blob.bytes[10..]), 201);
    assert!(is_there(&registry, &blob.digest));
}

#[test]
fn a_session_is_its_owners() {
    let (server, registry) = start();
    let root = server.api();
    let blob = Blob::unique();
    let location = registry.start_upload("sr");
    assert_eq!(patch(&registry, &location, "", &blob.bytes[..10]).status(), 202);

    let other_key = root.as_key(&root.gangplank("CreateAccessKey", &json!({})).body["accessKey"]);
    let input = json!({ "account": "111111111111" });
    let other_account = root.as_key(&root.gangplank("CreateAccessKey", &input).body["accessKey"]);
    let other_region = root.in_region("eu-central-1");
    for (who, api) in [("key", other_key), ("account", other_account), ("region", other_region)] {
        api.ensure_service("web");
        check_no_session(&server.registry_as(&api.push_login()), &location, who);
    }
    let elsewhere = location.replace("/v2/sr/", "/v2/other/");
    check_no_session(&registry, &elsewhere, "repository");

    // A new login of the same key can continue the session.
    let renewed = server.registry_as(&root.push_login());
    assert_eq!(received(&renewed.send("GET", &location)), "0-9");
    let put = format!("{location}?digest={}", blob.digest);
    assert_eq!(renewed.put_blob(&put, &blob.bytes[10..]), 201);
}

#[track_caller]
fn check_no_session(registry: &Registry, location: &str, why: &str) {
    let other = Blob::unique();
    let put = format!("{location}?digest={}", other.digest);
    for (method, path) in [("GET", location), ("PATCH", location), ("PUT", &put), ("DELETE", location)] {
        let request = registry.request(method, path);
        let request = if method.starts_with('P') { request.body(other.bytes.clone()) } else { request };
        let answer = request.send().unwrap();
        assert_eq!(answer.status(), 404, "{method} by another {why}");
        refused(answer, 404, "BLOB_UPLOAD_UNKNOWN");
    }
}

#[test]
fn a_session_ends_with_its_blob_or_when_cancelled() {
    let (server, registry) = start();
    let blob = Blob::unique();
    let location = registry.start_upload("sr");
    let put = format!("{location}?digest={}", blob.digest);
    assert_eq!(registry.put_blob(&put, &blob.bytes), 201);
    check_no_session(&registry, &location, "time");

    let location = registry.start_upload("sr");
    assert_eq!(patch(&registry, &location, "", &blob.bytes).status(), 202);
    assert_eq!(registry.status("DELETE", &location), 204);
    check_no_session(&registry, &location, "time");
    if !crate::are_replicas("they have no directory to look into") {
        assert_eq!(std::fs::read_dir(server.data_dir().join("blobs/staged")).unwrap().count(), 0);
    }

    let never = format!("/v2/sr/blobs/uploads/{}", "0".repeat(32));
    check_no_session(&registry, &never, "maker");
    for odd in ["..%2f..%2fcredentials", "%00", "a%20b", &"x".repeat(300)] {
        refused(registry.send("GET", &format!("sr/blobs/uploads/{odd}")), 404, "BLOB_UPLOAD_UNKNOWN");
    }
}

#[test]
fn a_location_is_relative_whatever_the_client_says_it_is() {
    let (_server, registry) = start();
    let blob = Blob::unique();
    let asked = |method: &str, path: &str| {
        let request = registry.request(method, path).header("Host", "evil.example");
        let request =
            request.header("X-Forwarded-Host", "evil.example").header("X-Forwarded-Proto", "gopher");
        let request = request.header("Forwarded", "host=evil.example;proto=gopher");
        let answer = request.header("X-Forwarded-Prefix", "/evil").body(blob.bytes.clone()).send().unwrap();
        let location = header(&answer, "location");
        assert!(location.starts_with("/v2/sr/blobs/") && !location.contains("evil"), "{location}");
        location
    };
    let location = asked("POST", "sr/blobs/uploads/");
    assert_eq!(asked("PATCH", &location), location);
    let location = registry.start_upload("sr");
    asked("PUT", &format!("{location}?digest={}", blob.digest));
    asked("POST", &format!("sr/blobs/uploads/?digest={}", blob.digest));
}

#[test]
fn an_account_has_only_so_many_sessions_open() {
    let server = builder().arg("--max-open-uploads").arg("2").start();
    let registry = server.registry_as(&server.push_login());
    let first = registry.start_upload("sr");
    server.registry_as(&server.push_login()).start_upload("other");
    let answer = registry.send("POST", "sr/blobs/uploads/");
    assert!(header(&answer, "retry-after").parse::<u32>().unwrap() > 0);
    refused(answer, 429, "TOOMANYREQUESTS");
    let elsewhere = server.api().in_region("eu-west-1");
    elsewhere.ensure_service("web");
    let elsewhere = server.registry_as(&elsewhere.push_login());
    assert_eq!(elsewhere.status("POST", "sr/blobs/uploads/"), 429, "the account, not the region");
    assert_eq!(registry.status("DELETE", &first), 204);
    registry.start_upload("sr");
}

/// Its staged bytes take space like those of any other upload.
#[test]
fn a_large_blob_in_one_request_is_an_open_upload_until_it_is_whole() {
    if crate::are_replicas("it looks into the directory") {
        return;
    }
    let server = server_with(|builder| builder.arg("--max-open-uploads").arg("1"));
    let login = server.push_login();
    let registry = server.registry_as(&login);
    let blob = Blob::new(vec![b'w'; 600 << 10]);
    let post = format!("POST /v2/sr/blobs/uploads/?digest={}", blob.digest);
    for declared in [true, false] {
        let mut raw = Raw::connect(&server);
        if declared {
            raw.send(head(&login, &post, &format!("Content-Length: {}\r\n", blob.bytes.len())));
            raw.send(&blob.bytes[..300 << 10]);
        } else {
            raw.send(head(&login, &post, "Transfer-Encoding: chunked\r\n"));
            raw.send(format!("{:x}\r\n", blob.bytes.len()));
            raw.send(&blob.bytes[..300 << 10]);
        }
        let staged = server.data_dir().join("blobs/staged");
        until("it is staged", || staged.read_dir().unwrap().count() == 1);
        refused(registry.send("POST", "sr/blobs/uploads/"), 429, "TOOMANYREQUESTS");
        let small = Blob::unique();
        let whole = registry.request("POST", &format!("sr/blobs/uploads/?digest={}", small.digest));
        assert_eq!(whole.body(small.bytes).send().unwrap().status(), 201, "a small one is none");
        raw.send(&blob.bytes[300 << 10..]);
        if !declared {
            raw.send("\r\n0\r\n\r\n");
        }
        assert_eq!(raw.answer().unwrap().status, 201);
        let location = registry.start_upload("sr");
        assert_eq!(registry.status("DELETE", &location), 204);
    }
    // A blob whose upload is cut leaves nothing behind.
    let mut raw = Raw::connect(&server);
    raw.send(head(&login, &post, &format!("Content-Length: {}\r\n", blob.bytes.len())));
    raw.send(&blob.bytes[..300 << 10]);
    until("it counts", || registry.status("POST", "sr/blobs/uploads/") == 429);
    drop(raw);
    until("its place is free", || registry.status("POST", "sr/blobs/uploads/") == 202);
}
