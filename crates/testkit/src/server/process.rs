//! The process of a `gangplank serve`.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::ROOT_KEY;
use crate::client::client;

/// How long a process may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server, or one that has ended.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pub(super) address: SocketAddr,
    /// `http` or `https`.
    pub(super) scheme: String,
    log: Arc<Mutex<String>>,
}

impl Process {
    /// Starts `program serve` with these arguments, and waits for the line that says that it listens.
    ///
    /// # Errors
    /// The exit status and the log, if it ends instead.
    pub(super) fn start(
        program: &Path,
        home: &Path,
        args: &[String],
        environment: &[(String, String)],
    ) -> Result<Self, String> {
        let mut child = Command::new(program)
            .arg("serve")
            .args(args)
            .env_clear()
            .env("HOME", home)
            // Tests use no engine of the machine, unless they ask for one.
            .env("GANGPLANK_ENGINE", "none")
            .env("GANGPLANK_ROOT_ACCESS_KEY_ID", ROOT_KEY.0)
            .env("GANGPLANK_ROOT_SECRET_ACCESS_KEY", ROOT_KEY.1)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("to start the server");
        let log = Arc::new(Mutex::new(String::new()));
        let mut errors = child.stderr.take().expect("its standard error");
        let collected = Arc::clone(&log);
        std::thread::spawn(move || {
            let mut piece = [0; 8192];
            while let Ok(read @ 1..) = errors.read(&mut piece) {
                collected.lock().expect("the log").push_str(&String::from_utf8_lossy(&piece[..read]));
            }
        });
        let mut ready = String::new();
        let output = child.stdout.take().expect("its standard output");
        BufReader::new(output).read_line(&mut ready).expect("its ready line");
        let Some((before, address)) = ready.trim().rsplit_once("://") else {
            let status = child.wait();
            std::thread::sleep(Duration::from_millis(100));
            return Err(format!("the server did not start ({status:?}): {}", log.lock().expect("the log")));
        };
        let scheme = before.rsplit(' ').next().unwrap_or_default().to_owned();
        Ok(Self { child, address: address.parse().expect("an address"), scheme, log })
    }

    /// Whether it says that it is ready.
    pub(super) fn is_ready(&self) -> bool {
        let url = format!("{}://{}/readyz", self.scheme, self.address);
        let asked = client().get(url).timeout(Duration::from_secs(5)).send();
        asked.is_ok_and(|answer| answer.status() == 200)
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// The log, if it ends instead, or needs too long.
    pub(super) fn wait_until_ready(&mut self) -> Result<(), String> {
        let until = Instant::now() + PATIENCE;
        while !self.is_ready() {
            let end = self.child.try_wait().expect("its state");
            if end.is_some() || Instant::now() > until {
                std::thread::sleep(Duration::from_millis(100));
                return Err(format!("the server did not get ready ({end:?}): {}", self.log()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// The log so far.
    pub(super) fn log(&self) -> String {
        self.log.lock().expect("the log").clone()
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, as a crash would.
    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its end.
    pub(super) fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("the server's end")
    }

    /// Sends it a signal.
    pub(super) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        kill_process(Pid::from_raw(id).expect("a process id"), signal).expect("to send a signal");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
