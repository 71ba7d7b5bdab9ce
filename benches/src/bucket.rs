//! The S3 server of a measurement: versitygw over a folder.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::servers::{Started, free_port};

/// The bucket.
pub(crate) const BUCKET: &str = "registry";

/// The access key id and the secret access key that open it.
pub(crate) const KEYS: (&str, &str) = ("AKIDBENCHBENCHBE", "bench-s3-secret-access-key");

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server with an empty bucket. Ends when dropped.
pub(crate) struct Bucket {
    port: u16,
    server: Started,
}

impl Bucket {
    /// Starts the server in a new folder.
    pub(crate) fn start(program: &Path, folder: &Path) -> Result<Self> {
        let data = folder.join("data");
        fs::create_dir_all(data.join(BUCKET))?;
        let (port, log) = (free_port()?, File::create(folder.join("log"))?);
        // Without keep-alive the server closes every connection.
        let child = Command::new(program)
            .args(["--keep-alive", "--quiet", "--port", &format!("127.0.0.1:{port}"), "posix"])
            .arg(data)
            .envs([("ROOT_ACCESS_KEY", KEYS.0), ("ROOT_SECRET_KEY", KEYS.1)])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let started = Self { port, server: Started(child) };
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            ensure!(since.elapsed() < PATIENCE, "versitygw does not start");
            sleep(Duration::from_millis(20));
        }
        Ok(started)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.server.0.id()
    }

    /// The port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}
