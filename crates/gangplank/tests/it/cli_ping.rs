//! `gangplank ping`, as health checks of containers run it.

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::cli::{Ran, home, run};
use crate::raw::{Raw, ask};
use crate::tls::tls_server;
use crate::{handler, server, server_with};

fn ping(args: &[&str], environment: &[(&str, &str)]) -> Ran {
    run(home().path(), &[&["ping"], args].concat(), environment)
}

#[test]
fn a_server_that_is_ready_is_found_by_its_address_and_by_what_it_was_told() {
    let server = server_with(|builder| builder.arg("--admin-listen").arg("127.0.0.1:0"));
    let (host, admin) = (server.host(), server.admin_address().unwrap());
    ping(&["--url", &server.endpoint()], &[]).check_ok(&format!("http://{host}/readyz is ready"));
    ping(&["--url", &format!("http://{admin}")], &[]).check_ok("is ready");
    ping(&["--url", &format!("http://{host}/healthz")], &[]).check_ok("is ready");
    for listen in [&host, &format!("0.0.0.0:{}", server.address().port())] {
        // A proxy and a missing profile do not matter.
        let environment = [
            ("GANGPLANK_LISTEN", listen.as_str()),
            ("HTTP_PROXY", "http://127.0.0.1:9"),
            ("AWS_PROFILE", "none"),
        ];
        ping(&[], &environment).check_ok(&format!("http://{host}/readyz is ready"));
    }
}

#[test]
fn every_address_of_the_sixth_version_is_asked_at_its_loopback() {
    let server = server();
    // Nothing listens there, so the error names the address.
    let listen = format!("[::]:{}", server.address().port());
    ping(&[], &[("GANGPLANK_LISTEN", &listen)]).check_failed(&["http://[::1]:", "no server seems to listen"]);
}

#[test]
fn whatever_is_not_ready_is_told_with_why() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    ping(&["--url", &format!("http://{nobody}")], &[])
        .check_failed(&["refused", "no server seems to listen"]);
    ping(&[], &[("GANGPLANK_LISTEN", &nobody.to_string())]).check_failed(&["refused"]);
    ping(&[], &[("GANGPLANK_LISTEN", "127.0.0.1:0")]).check_failed(&["port 0", "--url"]);
    ping(&["--url", "127.0.0.1:5000"], &[]).check_failed(&["no address", "http://host:port"]);
    let other = handler::serve(|_| handler::Reply::new(404, "not \u{1b}[2Jhere"));
    let ran = ping(&["--url", &format!("http://{other}")], &[]);
    ran.check_failed(&["not ready", "404"]);
    assert!(!ran.stderr.contains('\u{1b}'), "{ran:?}");
    let elsewhere = handler::serve(|_| handler::Reply::new(302, "").with("Location", "http://127.0.0.1:1/"));
    ping(&["--url", &format!("http://{elsewhere}")], &[]).check_failed(&["not ready", "302"]);
}

#[test]
fn one_that_does_not_answer_is_given_up_within_five_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let start = Instant::now();
    let url = format!("http://{}", silent.local_addr().unwrap());
    ping(&["--url", &url], &[]).check_failed(&["did not answer within"]);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn a_server_of_this_machine_is_asked_by_tls_whatever_its_certificate_says() {
    let Some((server, home)) = tls_server() else { return };
    let (bundle, port) = (home.path().join("cert.pem"), server.address().port());
    let trusted = [("AWS_CA_BUNDLE", bundle.to_str().unwrap())];
    let listen = server.host();
    ping(&[], &[("GANGPLANK_LISTEN", &listen)]).check_ok(&format!("https://{listen}/readyz is ready"));
    // With --url, the certificate must have a trusted issuer and the name in the URL.
    let url = format!("https://127.0.0.1:{port}");
    ping(&["--url", &url], &trusted).check_ok("is ready");
    ping(&["--url", &url], &[]).check_failed(&["certificate", "signed by", "AWS_CA_BUNDLE"]);
    ping(&["--url", &format!("https://localhost:{port}")], &trusted).check_failed(&["is not for localhost"]);
    ping(&["--url", &format!("http://127.0.0.1:{port}")], &trusted).check_failed(&["speaks TLS", "https://"]);
}

#[test]
fn what_is_the_matter_is_told_to_operators_alone() {
    let server = server_with(|builder| builder.arg("--admin-listen").arg("127.0.0.1:0"));
    let admin = format!("http://{}", server.admin_address().unwrap());
    fs::rename(server.data_dir().join("blobs"), server.home().join("away")).unwrap();
    ping(&["--url", &admin], &[]).check_failed(&["503", "is its disk mounted?"]);
    let ran = ping(&["--url", &server.endpoint()], &[]);
    ran.check_failed(&["503", "not ready"]);
    assert!(!ran.stderr.contains("disk"), "{ran:?}");
    let mut raw = Raw::connect(&server);
    raw.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(raw.answer().unwrap().status, 200, "it is alive");
    raw.send("POST /readyz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(raw.answer().unwrap().status, 400, "the API takes what is posted, anywhere");
}

/// `HAProxy`'s `option httpchk GET /readyz` speaks HTTP/1.0 and sends no Host header. Only this request may
/// lack the header.
#[test]
fn a_load_balancer_need_not_name_the_host() {
    let server = server();
    for (request, status) in [
        ("GET /readyz HTTP/1.0", 200),
        ("GET /healthz HTTP/1.0", 200),
        ("GET /readyz HTTP/1.1", 400),
        ("GET /v2/ HTTP/1.0", 400),
        ("POST /readyz HTTP/1.0\r\nContent-Length: 0", 400),
        ("GET /readyz HTTP/1.0\r\nContent-Length: 0", 400),
    ] {
        let answer = ask(&server, format!("{request}\r\n\r\n")).unwrap();
        assert_eq!(answer.status, status, "{request}");
    }
}
