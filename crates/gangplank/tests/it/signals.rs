//! The effects of signals on a server.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use gangplank_testkit::{Blob, TestServer};
use rustix::process::Signal;

use crate::raw::{Raw, head};
use crate::shutdown::until;
use crate::{builder, server};

/// An upload whose client has stopped sending.
fn standing_upload(server: &TestServer) -> Raw {
    let login = server.push_login();
    let mut upload = Raw::connect(server);
    let post = format!("POST /v2/sr/blobs/uploads/?digest={}", Blob::unique().digest);
    upload.send(head(&login, &post, "Content-Length: 1000\r\nExpect: 100-continue\r\n"));
    assert_eq!(upload.answer().unwrap().status, 100, "the upload begins");
    upload
}

#[test]
fn a_second_signal_ends_it_at_once_and_leaves_the_mark_of_a_crash() {
    for (first, second, status) in
        [(Signal::TERM, Signal::INT, 130), (Signal::INT, Signal::TERM, 143), (Signal::INT, Signal::INT, 130)]
    {
        let mut server = server();
        let _upload = standing_upload(&server);
        server.signal(first);
        until("it says how long", || server.log().contains("for at most 30 s"));
        thread::sleep(Duration::from_millis(200));
        let start = Instant::now();
        server.signal(second);
        assert_eq!(server.wait().code(), Some(status));
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        server.restart();
        assert_eq!(server.registry().status("GET", ""), 401);
    }
}

#[test]
fn signals_that_nobody_means_so_end_nothing() {
    let mut server = server();
    let mut upload = standing_upload(&server);
    for signal in [Signal::USR1, Signal::USR2, Signal::ALARM, Signal::HUP] {
        server.signal(signal);
    }
    thread::sleep(Duration::from_millis(300));
    upload.send(vec![b'a'; 1000]);
    assert_eq!(upload.answer().unwrap().status, 400, "another digest");
    assert_eq!(server.terminate().code(), Some(0));
}

#[test]
fn a_hang_up_reads_the_filter_of_the_log_anew_and_names_what_needs_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("gangplank.toml");
    fs::write(&file, "log = 'info'\nmax-blob-bytes = 1000\n").unwrap();
    let server = builder().arg("--config").arg(file.to_str().unwrap()).start();
    let hang_up = |text: &str, said: &str| {
        fs::write(&file, text).unwrap();
        server.signal(Signal::HUP);
        until(said, || server.log().contains(said));
    };
    hang_up("log = 'debug'\nmax-blob-bytes = 1000\n", "read the certificates and the settings anew");
    assert_eq!(server.registry().status("GET", ""), 401);
    server.api().lightsail("GetContainerServices", &serde_json::json!({}));
    until("debug lines", || server.log().contains("DEBUG"));
    hang_up("max-blob-bytes = 2000\nheader-timeout = 3\n", "max-blob-bytes, header-timeout");
    hang_up("log = 'loud'\nmax-blob-bytes = 1000\n", "\"loud\" is no part of a log filter");
    hang_up("nonsense = 1\n", "cannot read the settings anew");
    assert_eq!(server.registry().status("GET", ""), 401);
}
