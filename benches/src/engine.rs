//! A container engine for the benchmark. It touches only its own folder.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// A running `dockerd`. Dropping this ends the daemon and removes its folder.
pub(crate) struct Engine {
    process: Child,
    folder: PathBuf,
}

impl Engine {
    /// Starts an engine with everything in a new folder. Returns when it answers.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let folder = std::path::absolute(folder)?;
        fs::create_dir_all(&folder)?;
        let within = |option: &str, name: &str| format!("--{option}={}", folder.join(name).display());
        let process = Command::new("dockerd")
            .arg(format!("--host={}", socket(&folder)))
            .args([within("data-root", "data"), within("exec-root", "exec"), within("pidfile", "pid")])
            .args(["--iptables=false", "--ip-forward=false", "--bridge=none", "--storage-driver=vfs"])
            .env("HOME", &folder)
            .env("TMPDIR", &folder)
            .env("DOCKER_TMPDIR", folder.join("tmp"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("log"))?)
            .spawn()
            .context("cannot start dockerd")?;
        let mut engine = Self { process, folder };
        let until = Instant::now() + Duration::from_mins(1);
        while !engine.docker(&["info"]).output()?.status.success() {
            let ended = engine.process.try_wait()?.is_some();
            let log = || fs::read_to_string(engine.folder.join("log")).unwrap_or_default();
            ensure!(!ended && Instant::now() < until, "dockerd did not start: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(engine)
    }

    /// A command of its client, with a separate configuration.
    pub(crate) fn docker(&self, args: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.arg("--config").arg(&self.folder).arg("--host").arg(socket(&self.folder)).args(args);
        command.env("HOME", &self.folder).stdin(Stdio::null());
        command
    }

    /// Logs its client in to a registry.
    pub(crate) fn log_in(&self, host: &str, user: &str, password: &str) -> Result<()> {
        let mut login = self
            .docker(&["login", "--username", user, "--password-stdin", host])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        login.stdin.take().context("no standard input")?.write_all(password.as_bytes())?;
        ensure!(login.wait()?.success(), "docker login was refused");
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(id) = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(id, Signal::TERM);
        }
        let asked = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) {
            if asked.elapsed() > Duration::from_secs(20) {
                let _ = self.process.kill();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn socket(folder: &Path) -> String {
    format!("unix://{}", folder.join("socket").display())
}
