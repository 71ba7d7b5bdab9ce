//! The PostgreSQL server of a measurement, with its usual settings: every commit is synced.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::servers::free_port;

/// The user that PostgreSQL runs as if the benchmark runs as root, because PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running server. Ends when dropped.
pub(super) struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    server: Child,
}

impl Postgres {
    /// Makes a server in a new folder, and starts it.
    pub(super) fn start(programs: &Path, folder: PathBuf) -> Result<Self> {
        fs::create_dir(&folder)?;
        if rustix::process::getuid().is_root() {
            chown(&folder, Some(NOBODY), Some(NOBODY))?;
        }
        let data = folder.join("data");
        let made = as_nobody(&programs.join("initdb"), &folder)
            .args(["--auth=trust", "--username=gangplank", "--locale=C.UTF-8", "--encoding=UTF8"])
            .arg(&data)
            .output()
            .with_context(|| format!("cannot start PostgreSQL's initdb in {}", programs.display()))?;
        ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = free_port()?;
        let log = File::create(folder.join("log"))?;
        let server = as_nobody(&programs.join("postgres"), &folder)
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories="])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let started = Self { programs: programs.to_owned(), folder, port, server };
        let since = Instant::now();
        while let Err(why) = started.query("postgres", "SELECT 1") {
            ensure!(since.elapsed() < PATIENCE, "PostgreSQL does not start: {why:#}");
            sleep(Duration::from_millis(50));
        }
        Ok(started)
    }

    /// The process that starts all others of the server.
    pub(super) fn pid(&self) -> u32 {
        self.server.id()
    }

    /// The port on 127.0.0.1.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// A file or folder of the benchmark beside the data.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The SQL client, for a database.
    pub(super) fn client(&self, database: &str) -> Command {
        let mut client = Command::new(self.programs.join("psql"));
        client
            .args(["--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--set=ON_ERROR_STOP=1"])
            .args(["--host=127.0.0.1", "--port", &self.port.to_string(), "--username=gangplank"])
            .args(["--dbname", database]);
        client
    }

    /// Runs SQL in a database. Returns the output, without headings.
    pub(super) fn query(&self, database: &str, sql: &str) -> Result<String> {
        let said = self.client(database).args(["--command", sql]).output().context("psql")?;
        ensure!(said.status.success(), "psql: {}", String::from_utf8_lossy(&said.stderr));
        Ok(String::from_utf8_lossy(&said.stdout).trim_end().to_owned())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGQUIT ends the children too, at once.
        if let Some(pid) = i32::try_from(self.server.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::QUIT);
        }
        let _ = self.server.wait();
    }
}

fn as_nobody(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("HOME", folder);
    if rustix::process::getuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}
