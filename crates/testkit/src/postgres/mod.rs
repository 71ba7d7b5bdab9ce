//! A new, empty PostgreSQL server, which ends with the test that started it.

mod backups;
mod bouncer;
mod faults;

use std::fs;
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use bouncer::{Bouncer, pgbouncer};
pub use faults::{Fate, PostgresProxy};

/// The user that PostgreSQL runs as if the tests run as root, because PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server that ends when it is dropped, and also when the process of the tests does.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    directory: TempDir,
    port: u16,
    watch: Option<Child>,
}

/// The folder with the programs of a version: the one that `GANGPLANK_POSTGRES_15` or a similar variable names,
/// or else Debian's. `None` if the version is not installed.
pub fn programs(version: u32) -> Option<PathBuf> {
    let named = std::env::var_os(format!("GANGPLANK_POSTGRES_{version}")).map(PathBuf::from);
    let folder = named.unwrap_or_else(|| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
    folder.join("postgres").is_file().then_some(folder)
}

impl Postgres {
    /// Starts the server whose programs are in a folder.
    pub fn start(programs: &Path) -> Self {
        let mut server = Self::placed(programs);
        let made = server
            .program("initdb")
            .args([
                "--auth=trust",
                "--username=gangplank",
                "--locale=C.UTF-8",
                "--encoding=UTF8",
                "--no-sync",
            ])
            .arg(server.data())
            .output()
            .expect("initdb");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.run();
        server
    }

    fn placed(programs: &Path) -> Self {
        let directory = TempDir::new().expect("a folder for PostgreSQL");
        if rustix::process::getuid().is_root() {
            chown(directory.path(), Some(NOBODY), Some(NOBODY)).expect("a folder that is nobody's");
        }
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
        let port = free.port();
        Self { programs: programs.to_owned(), directory, port, watch: None }
    }

    /// Starts a copy of this server, which follows it and takes no writes.
    #[must_use]
    pub fn copy(&self) -> Self {
        let mut copy = Self::placed(&self.programs);
        let made = copy
            .program("pg_basebackup")
            .args(["--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream", "--no-sync"])
            .args(["--host=127.0.0.1", "--username=gangplank", "--port", &self.port.to_string(), "--pgdata"])
            .arg(copy.data())
            .output()
            .expect("pg_basebackup");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        copy.run();
        copy
    }

    /// Waits until a copy has all that was committed here before.
    pub fn wait_for(&self, copy: &Self) {
        let here = self.query("postgres", "SELECT pg_current_wal_lsn()").expect("a place in the log");
        let text = format!("SELECT pg_last_wal_replay_lsn() >= CAST('{here}' AS pg_lsn)");
        let since = Instant::now();
        while copy.query("postgres", &text).ok().as_deref() != Some("t") {
            assert!(since.elapsed() < PATIENCE, "the copy does not follow: {}", copy.log());
            sleep(Duration::from_millis(20));
        }
    }

    /// Makes a copy take writes, and waits until it does.
    pub fn promote(&self) {
        self.query("postgres", "SELECT pg_promote(true, 60)").expect("a promotion");
    }

    /// Starts the server again, with its data.
    pub fn run(&mut self) {
        // The shell ends the server when the other end of its input is closed, because the process of the tests may
        // end without notice. In this case, nobody else would remove the server's files.
        let script = r#""$0" "$@" >log 2>&1 & server=$!; read -r word; kill -QUIT $server; wait $server
                        [ "$word" = keep ] || rm -rf "$PWD"/*"#;
        let mut shell = self.as_nobody("sh");
        shell.args(["-c", script]).arg(self.programs.join("postgres")).arg("-D").arg(self.data());
        shell.args(["-p", &self.port.to_string(), "-k"]).arg(self.directory.path());
        for setting in
            ["listen_addresses=127.0.0.1", "max_connections=300", "fsync=off", "max_prepared_transactions=0"]
        {
            shell.args(["-c", setting]);
        }
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        self.watch = Some(shell.spawn().expect("a shell"));
        let since = Instant::now();
        while self.query("postgres", "SELECT 1").is_err() {
            assert!(since.elapsed() < PATIENCE, "{}", self.log());
            sleep(Duration::from_millis(50));
        }
    }

    /// Ends it at once, as a crash does.
    pub fn kill(&mut self) {
        if let Some(mut watch) = self.watch.take() {
            if let Some(mut word) = watch.stdin.take() {
                let _ = word.write_all(b"keep\n");
            }
            let _ = watch.wait();
        }
    }

    /// Makes a database. Returns its URL.
    pub fn create(&self, name: &str) -> String {
        self.query("postgres", &format!("CREATE DATABASE {name}")).expect("a new database");
        self.url(name)
    }

    /// Removes a database, even if somebody uses it.
    pub fn remove(&self, name: &str) {
        let _ = self.query("postgres", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    }

    /// The URL of a database.
    pub fn url(&self, name: &str) -> String {
        format!("postgres://gangplank@127.0.0.1:{}/{name}", self.port)
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs SQL in a database. Returns the output, without headings.
    ///
    /// # Errors
    /// If PostgreSQL or its client reports an error.
    pub fn query(&self, database: &str, sql: &str) -> io::Result<String> {
        self.query_at(self.port, database, sql)
    }

    /// Runs SQL as [`query`](Self::query) does, on another port, such as the port of a proxy in front of the
    /// server.
    ///
    /// # Errors
    /// If PostgreSQL or its client reports an error.
    pub fn query_at(&self, port: u16, database: &str, sql: &str) -> io::Result<String> {
        let said = self
            .program("psql")
            .args(["--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--set=ON_ERROR_STOP=1"])
            .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--username=gangplank"])
            .args(["--dbname", database, "--command", sql])
            .output()?;
        if !said.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&said.stderr).into_owned()));
        }
        Ok(String::from_utf8_lossy(&said.stdout).trim_end().to_owned())
    }

    /// The log of the server.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        self.as_nobody(&self.programs.join(name).to_string_lossy())
    }

    fn as_nobody(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.directory.path()).env("HOME", self.directory.path());
        if rustix::process::getuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}
