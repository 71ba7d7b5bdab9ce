//! TLS, and the answer of a plain port to TLS.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use gangplank_testkit::{Blob, ServerBuilder, TestServer};
use rustix::process::Signal;

use crate::cli::run;
use crate::raw::Raw;
use crate::shutdown::until;
use crate::{builder, server};

#[test]
fn a_plain_port_answers_tls_so_that_clients_fall_back() {
    let server = server();
    // A ClientHello as openssl begins it, whole and only its first byte.
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

/// Facts in a self-made certificate.
const OWN: [&str; 4] =
    ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"];

/// Makes a certificate and its key in a folder. False without openssl.
fn make_certificate(folder: &Path, extensions: &[&str]) -> bool {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "2", "-subj", "/CN=localhost"])
        .args(extensions)
        .arg("-keyout")
        .arg(folder.join("key.pem"))
        .arg("-out")
        .arg(folder.join("cert.pem"))
        .output();
    let made = made.is_ok_and(|made| made.status.success());
    if !made {
        gangplank_testkit::skip("there is no openssl to make a certificate with");
    }
    made
}

/// A server with a self-made certificate. `None` without openssl.
pub(crate) fn tls_server() -> Option<(TestServer, tempfile::TempDir)> {
    tls_server_with(|builder| builder)
}

/// Such a server with a configuration.
pub(crate) fn tls_server_with(
    configure: impl FnOnce(ServerBuilder) -> ServerBuilder,
) -> Option<(TestServer, tempfile::TempDir)> {
    tls_server_of(&OWN, configure)
}

fn tls_server_of(
    extensions: &[&str],
    configure: impl FnOnce(ServerBuilder) -> ServerBuilder,
) -> Option<(TestServer, tempfile::TempDir)> {
    let home = tempfile::tempdir().unwrap();
    if !make_certificate(home.path(), extensions) {
        return None;
    }
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let server = builder().arg("--tls-cert").arg(path("cert.pem")).arg("--tls-key").arg(path("key.pem"));
    Some((configure(server).start(), home))
}

/// Whether a client that only trusts one certificate gets an answer.
fn serves(server: &TestServer, certificate: &Path) -> bool {
    let certificate = reqwest::Certificate::from_pem(&fs::read(certificate).unwrap()).unwrap();
    let client = reqwest::blocking::Client::builder().tls_certs_only([certificate]).build().unwrap();
    client.get(format!("https://{}/v2/", server.address())).send().is_ok()
}

#[test]
fn a_certificate_that_changes_is_taken_with_its_key_and_one_that_cannot_be_used_is_not() {
    let Some((server, home)) = tls_server() else { return };
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copy = |from: &Path, name: &str, to: &Path| fs::copy(from.join(name), to.join(name)).unwrap();
    copy(home.path(), "cert.pem", old.path());
    assert!(make_certificate(new.path(), &OWN));
    let (old, new) = (old.path().join("cert.pem"), new.path());
    assert!(serves(&server, &old) && !serves(&server, &new.join("cert.pem")));

    // One file does not match the other. The old pair stays in use, and the error is logged.
    copy(new, "cert.pem", home.path());
    until("it is told", || server.log().contains("do not fit"));
    assert!(serves(&server, &old));
    copy(new, "key.pem", home.path());
    let start = Instant::now();
    while !serves(&server, &new.join("cert.pem")) {
        assert!(start.elapsed() < Duration::from_secs(10), "{}", server.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(!serves(&server, &old));

    fs::write(home.path().join("cert.pem"), "nonsense").unwrap();
    server.signal(Signal::HUP);
    until("it is told at once", || server.log().contains("holds no PEM certificate"));
    assert!(serves(&server, &new.join("cert.pem")));
}

#[test]
fn a_key_that_is_encrypted_is_called_that() {
    let home = tempfile::tempdir().unwrap();
    if !make_certificate(home.path(), &OWN) {
        return;
    }
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    for form in [&["pkcs8", "-topk8"][..], &["ec", "-aes128"]] {
        let made = Command::new("openssl")
            .args(form)
            .args(["-in", &path("key.pem"), "-out", &path("locked.pem"), "-passout", "pass:secret"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let data_dir = path("data");
        let (certificate, key) = (path("cert.pem"), path("locked.pem"));
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", &data_dir];
        let tls = ["--tls-cert", &certificate, "--tls-key", &key];
        run(home.path(), &[&arguments[..], &tls].concat(), &[]).check_failed(&[
            "locked.pem",
            "is encrypted",
            "openssl pkey",
        ]);
    }
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

    for line in ["GET /v2/", "POST /", "\r\nPUT /v2/sr/manifests/a"] {
        let mut raw = Raw::connect(&server);
        raw.send(format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let answer = raw.answer().unwrap();
        assert_eq!((answer.status, answer.header("connection")), (400, Some("close")));
        assert!(String::from_utf8(answer.body).unwrap().contains("https://"));
        assert!(raw.closes());
    }
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
fn a_service_is_reached_by_tls_where_the_server_speaks_it() {
    let Some((server, home)) = tls_server() else { return };
    let (data_dir, bundle) = (server.data_dir(), home.path().join("cert.pem"));
    let (config, credentials) = (data_dir.join("config"), data_dir.join("credentials"));
    let environment = [
        ("AWS_CONFIG_FILE", config.to_str().unwrap()),
        ("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().unwrap()),
        ("AWS_CA_BUNDLE", bundle.to_str().unwrap()),
    ];
    let create =
        ["lightsail", "create-container-service", "--service-name", "web", "--power", "nano", "--scale", "1"];
    let made = run(server.home(), &create, &environment).json();
    let url = made["containerService"]["url"].as_str().unwrap();
    let port = server.address().port();
    assert!(url.starts_with("https://web.") && url.ends_with(&format!(".cs.localhost:{port}/")), "{url}");
}

/// The output of a command that does not trust the server's certificate.
fn told(server: &TestServer, bundle: Option<&std::path::Path>, endpoint: &str) -> String {
    let data_dir = server.data_dir();
    let list = ["access-key", "list", "--data-dir", data_dir.to_str().unwrap(), "--endpoint-url", endpoint];
    let environment = bundle.map(|bundle| ("AWS_CA_BUNDLE", bundle.to_str().unwrap()));
    let ran = run(server.home(), &list, environment.as_slice());
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    for word in
        ["CaUsedAsEndEntity", "UnknownIssuer", "BadSignature", "NotValidForName", "Other(", "InvalidC"]
    {
        assert!(!ran.stderr.contains(word), "{ran:?}");
    }
    ran.stderr
}

#[test]
fn the_certificate_of_an_authority_is_explained_and_the_advice_works() {
    // The certificate that openssl makes by default.
    let extensions = ["-addext", "subjectAltName=IP:127.0.0.1"];
    let Some((server, home)) = tls_server_of(&extensions, |builder| builder) else { return };
    let said =
        told(&server, Some(&home.path().join("cert.pem")), &server.endpoint().replace("http:", "https:"));
    assert!(said.contains("CA:TRUE") && said.contains("AWS_CA_BUNDLE"), "{said}");
    let line = said.split('`').find(|part| part.starts_with("openssl ")).unwrap();
    let own = tempfile::tempdir().unwrap();
    let made = Command::new("sh").args(["-c", line]).current_dir(own.path()).output().unwrap();
    assert!(made.status.success(), "{line}: {}", String::from_utf8_lossy(&made.stderr));
    let path = |name: &str| own.path().join(name).to_str().unwrap().to_owned();
    let server =
        builder().arg("--tls-cert").arg(path("cert.pem")).arg("--tls-key").arg(path("key.pem")).start();
    let data_dir = server.data_dir();
    let list = ["access-key", "list", "--data-dir", data_dir.to_str().unwrap()];
    run(server.home(), &list, &[("AWS_CA_BUNDLE", &path("ca.pem"))]).json();
    // Another authority with the same name.
    let other = tempfile::tempdir().unwrap();
    let line = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=authority -keyout ca.key -out ca.pem";
    assert!(
        Command::new("sh").args(["-c", line]).current_dir(other.path()).output().unwrap().status.success()
    );
    let said =
        told(&server, Some(&other.path().join("ca.pem")), &server.endpoint().replace("http:", "https:"));
    assert!(said.contains("AWS_CA_BUNDLE"), "{said}");
}

#[test]
fn what_else_is_wrong_with_tls_is_told_in_words() {
    let Some((server, home)) = tls_server() else { return };
    let bundle = home.path().join("cert.pem");
    let https = server.endpoint().replace("http:", "https:");
    let said = told(&server, None, &https);
    assert!(said.contains("AWS_CA_BUNDLE") && said.contains("certificate"), "{said}");
    let said = told(&server, Some(&bundle), &https.replace("127.0.0.1", "localhost"));
    assert!(said.contains("is not for localhost, but for 127.0.0.1"), "{said}");
    let plain = crate::server();
    let said = told(&server, Some(&bundle), &plain.endpoint().replace("http:", "https:"));
    assert!(said.contains("does not speak TLS; try http://"), "{said}");
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
