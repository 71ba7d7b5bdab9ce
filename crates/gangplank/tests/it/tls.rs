//! TLS, and what a plain port answers to it.

use std::process::Command;

use gangplank_testkit::{Blob, TestServer};

use crate::cli::run;
use crate::raw::Raw;
use crate::{builder, server};

#[test]
fn a_plain_port_answers_tls_so_that_clients_fall_back() {
    let server = server();
    // A ClientHello as openssl begins it, whole and in its first byte alone.
    let hello = [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], &[7; 500]].concat();
    for sent in [&hello[..], &hello[..1]] {
        let mut raw = Raw::connect(&server);
        raw.send(sent);
        let answer = raw.answer().unwrap();
        assert_eq!(answer.status, 400);
        assert!(answer.head.starts_with("HTTP/1.1 400 "), "{}", answer.head);
        assert!(!answer.body.is_empty());
        assert!(raw.closes());
    }
}

/// A server with a certificate of its own making; `None` without openssl to make one.
pub(crate) fn tls_server() -> Option<(TestServer, tempfile::TempDir)> {
    let home = tempfile::tempdir().unwrap();
    let (certificate, key) = (home.path().join("cert.pem"), home.path().join("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        gangplank_testkit::skip("there is no openssl to make a certificate with");
        return None;
    }
    let path = |path: std::path::PathBuf| path.to_str().unwrap().to_owned();
    let server = builder().arg("--tls-cert").arg(path(certificate)).arg("--tls-key").arg(path(key)).start();
    Some((server, home))
}

#[test]
fn a_tls_port_serves_the_registry() {
    let Some((server, home)) = tls_server() else { return };
    let certificate = std::fs::read(home.path().join("cert.pem")).unwrap();
    let client = reqwest::blocking::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&certificate).unwrap()])
        .build()
        .unwrap();
    let url = format!("https://{}/v2/", server.address());
    let answer = client.get(&url).send().unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (401, reqwest::Version::HTTP_11));
    let path = format!("{url}sr/blobs/{}", Blob::unique().digest);
    assert_eq!(client.head(path).send().unwrap().status(), 401);

    // Plain HTTP is not answered with anything but the end.
    let mut raw = Raw::connect(&server);
    raw.send("GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n");
    raw.finish_sending();
    assert!(!raw.closes() || raw.answer().is_none(), "a plain answer on a TLS port");
    assert_eq!(client.get(&url).send().unwrap().status(), 401, "and it goes on");
}

#[test]
fn a_client_is_told_why_tls_fails_and_what_to_do() {
    let Some((server, home)) = tls_server() else { return };
    let (data_dir, bundle) = (server.data_dir(), home.path().join("cert.pem"));
    let data_dir = data_dir.to_str().unwrap();
    let list = ["access-key", "list", "--data-dir", data_dir];
    let refused = run(server.home(), &list, &[]);
    refused.check_failed(&["cannot reach https://", "certificate", "AWS_CA_BUNDLE"]);
    assert!(!refused.stderr.contains("no server seems to run"), "{refused:?}");
    let trusting = run(server.home(), &list, &[("AWS_CA_BUNDLE", bundle.to_str().unwrap())]);
    assert_eq!(trusting.json()["accessKeys"][0]["isRoot"], true);
    let plain = server.endpoint().replace("https://", "http://");
    run(server.home(), &[list.as_slice(), &["--endpoint-url", &plain]].concat(), &[])
        .check_failed(&["cannot reach http://", "try https://"]);
}

#[test]
fn plain_http_stays_on_this_machine_unless_forced() {
    let home = tempfile::tempdir().unwrap();
    let started = Command::new(env!("CARGO_BIN_EXE_gangplank"))
        .args(["serve", "--listen", "0.0.0.0:0", "--data-dir"])
        .arg(home.path().join("data"))
        .output()
        .unwrap();
    assert!(!started.status.success());
    let told = String::from_utf8(started.stderr).unwrap();
    assert!(told.contains("--tls-cert") && told.contains("--insecure-http"), "{told}");
}
