//! The longest times that a client may take, and cases that only seem to exceed them.

use std::time::{Duration, Instant};

use gangplank_oci::media_type::OCI_MANIFEST;
use gangplank_testkit::Blob;

use crate::answers::header;
use crate::builder;
use crate::documents::manifest_of;
use crate::raw::{Raw, head};

#[test]
fn a_head_that_dribbles_is_cut_off() {
    let server = builder().arg("--header-timeout").arg("1").arg("--idle-timeout").arg("60").start();
    for sent in ["", "G", "GET /v2/ HTTP/1.1\r\nHost: a\r\n", "GET /v2/ HTTP/1.1\r\nHost: a\r\nX-Slow: "] {
        let start = Instant::now();
        let mut raw = Raw::connect(&server);
        raw.send(sent);
        while !sent.is_empty() && start.elapsed() < Duration::from_secs(15) {
            std::thread::sleep(Duration::from_millis(100));
            if !raw.send("a") {
                break;
            }
        }
        let answer = raw.answer();
        assert!(answer.is_none_or(|answer| answer.status == 408), "{sent}");
        assert!(start.elapsed() < Duration::from_secs(10), "{sent}");
    }
}

#[test]
fn an_idle_connection_outlives_the_time_for_a_head_and_ends_in_its_own() {
    let server = builder().arg("--header-timeout").arg("1").arg("--idle-timeout").arg("4").start();
    let request = "GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut raw = Raw::connect(&server);
    for _ in 0..2 {
        raw.send(request);
        assert_eq!(raw.answer().unwrap().status, 401);
        assert!(raw.is_silent_for(Duration::from_millis(1_800)), "closed too early");
    }
    let start = Instant::now();
    assert!(raw.closes());
    assert!(start.elapsed() < Duration::from_secs(15));
}

#[test]
fn a_body_that_stops_coming_is_cut_off() {
    let server = builder().arg("--body-timeout").arg("1").start();
    let login = server.push_login();
    let registry = server.registry_as(&login);
    let location = registry.start_upload("sr");
    let long = "Content-Length: 1000\r\n";
    let manifest = format!("Content-Type: {OCI_MANIFEST}\r\n{long}");
    let post = format!("POST /v2/sr/blobs/uploads/?digest={}", Blob::unique().digest);
    for (line, headers) in
        [(format!("PATCH {location}"), long), ("PUT /v2/sr/manifests/v1".to_owned(), &manifest), (post, long)]
    {
        let mut raw = Raw::connect(&server);
        raw.send(head(&login, &line, headers));
        raw.send("seven..");
        let answer = raw.answer();
        assert!(answer.is_none_or(|answer| answer.status == 408), "{line}");
        assert!(raw.closes());
    }
    assert_eq!(header(&registry.send("GET", &location), "range"), "0-6", "what came is kept");
    assert_eq!(std::fs::read_dir(server.data_dir().join("blobs/staged")).unwrap().count(), 1);
}

#[test]
fn a_slow_body_that_keeps_coming_is_not_cut_off() {
    let server = builder().arg("--body-timeout").arg("2").arg("--header-timeout").arg("1").start();
    let login = server.operator_login();
    let registry = server.registry_as(&login);
    let body = manifest_of(&registry, 1_000);
    let blob = Blob::new(vec![b's'; 1_000]);
    let kind = format!("Content-Type: {OCI_MANIFEST}\r\nContent-Length: 1000\r\n");
    let post = format!("POST /v2/sr/blobs/uploads/?digest={}", blob.digest);
    std::thread::scope(|scope| {
        for (line, headers, bytes) in [
            ("PUT /v2/sr/manifests/slow".to_owned(), kind.as_str(), &body),
            (post, "Content-Length: 1000\r\n", &blob.bytes),
        ] {
            let (server, login) = (&server, &login);
            scope.spawn(move || {
                let mut raw = Raw::connect(server);
                raw.send(head(login, &line, headers));
                for piece in bytes.chunks(200) {
                    std::thread::sleep(Duration::from_millis(700));
                    raw.send(piece);
                }
                assert_eq!(raw.answer().unwrap().status, 201, "{line}");
            });
        }
    });
}
