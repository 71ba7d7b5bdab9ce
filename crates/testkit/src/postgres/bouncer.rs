//! A pooler in front of a PostgreSQL server: pgbouncer, which uses another session for each transaction.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{NOBODY, Postgres};

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A pgbouncer process. It ends when this value is dropped.
#[derive(Debug)]
pub struct Bouncer {
    process: Child,
    port: u16,
    _directory: TempDir,
}

/// The path of pgbouncer. `None` if it is not installed.
pub fn pgbouncer() -> Option<PathBuf> {
    ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].map(PathBuf::from).into_iter().find(|path| path.is_file())
}

impl Bouncer {
    /// Starts a pgbouncer in front of a server, with `sessions` sessions for all clients. It has only the
    /// settings that a URL needs.
    pub fn before(server: &Postgres, sessions: u32) -> Self {
        let program = pgbouncer().expect("pgbouncer");
        let directory = TempDir::new().expect("a folder for pgbouncer");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
        let port = free.port();
        let users = directory.path().join("users");
        fs::write(&users, "\"gangplank\" \"\"\n").expect("a file of users");
        let settings = directory.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\n\
             default_pool_size = {sessions}\nmax_client_conn = 200\n",
            server.port(),
            users.display()
        );
        fs::write(&settings, text).expect("a file of settings");
        let mut command = Command::new(program);
        command.arg("--quiet").arg(&settings).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        if rustix::process::getuid().is_root() {
            for path in [directory.path(), &users, &settings] {
                chown(path, Some(NOBODY), Some(NOBODY)).expect("a folder that is nobody's");
            }
            command.uid(NOBODY).gid(NOBODY);
        }
        let bouncer = Self { process: command.spawn().expect("pgbouncer"), port, _directory: directory };
        let since = Instant::now();
        while server.query_at(port, "postgres", "SELECT 1").is_err() {
            assert!(since.elapsed() < PATIENCE, "pgbouncer does not answer");
            sleep(Duration::from_millis(50));
        }
        bouncer
    }

    /// The URL of a database behind it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://gangplank@127.0.0.1:{}/{database}?prepared-statements=false", self.port)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
