//! A log without a reader delays nobody.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gangplank_testkit::{Api, Blob, Registry};

use crate::PROGRAM;

struct Unread {
    process: Child,
    endpoint: String,
}

impl Unread {
    /// A server whose standard error is not read, or is closed.
    fn start(home: &std::path::Path, admin: &str) -> Self {
        let mut process = Command::new(PROGRAM)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--log",
                "trace",
                "--admin-listen",
                admin,
                "--data-dir",
            ])
            .arg(home.join("data"))
            .env_clear()
            .env("GANGPLANK_ENGINE", "none")
            .env("GANGPLANK_ROOT_ACCESS_KEY_ID", "GPAKTESTTESTTESTTEST")
            .env("GANGPLANK_ROOT_SECRET_ACCESS_KEY", "test-secret-access-key-0123456789")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let endpoint = ready.trim().rsplit_once(' ').unwrap().1.to_owned();
        Self { process, endpoint }
    }

    fn registry(&self) -> Registry {
        let api = Api::new(&self.endpoint, "GPAKTESTTESTTESTTEST", "test-secret-access-key-0123456789");
        api.ensure_service("test-service");
        Registry::new(&self.endpoint, Some(api.push_login()))
    }

    fn push(&self, pushes: usize) {
        let registry = self.registry();
        let start = Instant::now();
        for number in 0..pushes {
            assert_eq!(registry.push_blob("sr", &Blob::unique()), 201, "push {number}");
        }
        assert!(start.elapsed() < Duration::from_mins(2), "{:?}", start.elapsed());
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_thousand_pushes_go_on_and_nothing_of_the_log_is_lost() {
    let (home, admin) = (tempfile::tempdir().unwrap(), free_address());
    let mut server = Unread::start(home.path(), &admin.to_string());
    server.push(1_000);
    let metrics = reqwest::blocking::get(format!("http://{admin}/metrics")).unwrap().text().unwrap();
    assert!(metrics.contains("\ngangplank_log_lines_dropped_total 0\n"), "{metrics}");
    let mut log = server.process.stderr.take().unwrap();
    let (mut read, mut piece) = (String::new(), [0; 8 << 10]);
    while read.matches(r#"operation="FinishUpload""#).count() < 1_000 {
        let length = log.read(&mut piece).unwrap();
        read.push_str(&String::from_utf8_lossy(&piece[..length]));
    }
}

#[test]
fn a_log_that_is_closed_stops_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Unread::start(home.path(), &free_address().to_string());
    drop(server.process.stderr.take());
    server.push(20);
}
