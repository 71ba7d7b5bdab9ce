//! A daemon for one trial. It is started in the trial's folder, and ended by its process id.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::client::Program;

/// A running daemon. Dropping it ends the daemon.
pub(crate) struct Daemon {
    process: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts a program that logs into its folder.
    pub(crate) fn start(program: &Program, folder: &Path, args: &[String]) -> Self {
        let mut command = Command::new(&program.path);
        command.args(args).env("HOME", folder).env("TMPDIR", folder).env("DOCKER_TMPDIR", folder.join("tmp"));
        Self::run(command, folder)
    }

    /// Starts a command that logs into a folder.
    pub(crate) fn run(mut command: Command, folder: &Path) -> Self {
        let log = folder.join("log");
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).expect("the daemon's log"))
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Self { process, log }
    }

    /// Waits until `ready` returns true.
    pub(crate) fn wait_until(&mut self, ready: impl Fn() -> bool) {
        assert!(self.comes_up(ready), "a daemon did not start: {}", self.said());
    }

    /// Waits until the daemon is ready. `false` if it ends first, or takes too long.
    pub(crate) fn comes_up(&mut self, ready: impl Fn() -> bool) -> bool {
        let started = Instant::now();
        while !ready() {
            if self.process.try_wait().expect("the daemon's state").is_some() {
                return false;
            }
            if started.elapsed() > Duration::from_mins(1) {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        true
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let id = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw).expect("a process id");
        let _ = kill_process(id, Signal::TERM);
        let asked = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) {
            if asked.elapsed() > Duration::from_secs(20) {
                let _ = self.process.kill();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
