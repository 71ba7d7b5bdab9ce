//! Docker's daemon, in a folder of its own.

use std::path::{Path, PathBuf};

use crate::client::{Call, Done, Program};
use crate::daemon::Daemon;

/// A daemon that touches nothing of this machine but its own folder, and a client that speaks to it.
pub(crate) struct Dockerd {
    folder: PathBuf,
    client: Program,
    options: Vec<String>,
    daemon: Option<Daemon>,
}

impl Dockerd {
    /// Starts one that does without the machine's firewall, so nothing is between its networks.
    pub(crate) fn start(folder: &Path, client: &Program) -> Self {
        Self::start_with(folder, client, &["--iptables=false", "--ip-forward=false"])
    }

    /// Starts one with options.
    pub(crate) fn start_with(folder: &Path, client: &Program, options: &[&str]) -> Self {
        std::fs::create_dir_all(folder.join("client")).expect("the daemon's folder");
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let mut dockerd = Self { folder: folder.to_owned(), client: client.clone(), options, daemon: None };
        dockerd.start_again();
        dockerd
    }

    /// Starts it again.
    pub(crate) fn start_again(&mut self) {
        let comes_up = self.comes_up();
        let said = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        assert!(comes_up, "a daemon did not start: {}", said());
    }

    /// Starts it; `false` if it does not. With what a killed one left behind the first try can fail.
    fn comes_up(&mut self) -> bool {
        let option = |name: &str, file: &str| format!("--{name}={}", self.folder.join(file).display());
        let mut args = vec![format!("--host={}", self.socket()), option("data-root", "data")];
        args.extend([option("pidfile", "pid"), option("exec-root", "exec")]);
        // The machine's other daemons share the usual addresses among them.
        let addresses = "--default-address-pool=base=10.213.0.0/16,size=24";
        args.extend(["--bridge=none", "--storage-driver=vfs", addresses].map(str::to_owned));
        args.extend(self.options.iter().cloned());
        let program = Program::find("dockerd").expect("dockerd");
        for _ in 0..3 {
            let _ = std::fs::remove_file(self.folder.join("pid"));
            let mut daemon = Daemon::start(&program, &self.folder, &args);
            let is_ready = || self.run(&["info"]).code == Some(0);
            if daemon.comes_up(is_ready) {
                self.daemon = Some(daemon);
                return true;
            }
        }
        false
    }

    /// Removes all containers and all networks, which a daemon leaves to the machine, also one that a trial killed and
    /// did not come to start again.
    fn clear(&mut self) {
        if self.daemon.is_none() && !self.comes_up() {
            return;
        }
        let containers = self.run(&["ps", "--all", "--quiet"]).stdout;
        if !containers.trim().is_empty() {
            self.run(&["rm", "--force"].into_iter().chain(containers.split_whitespace()).collect::<Vec<_>>());
        }
        self.run(&["network", "prune", "--force"]);
    }

    /// Stops it, and with it what it runs.
    pub(crate) fn stop(&mut self) {
        self.daemon = None;
    }

    /// Ends it as a crash would. What it runs goes on.
    pub(crate) fn kill(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.kill();
        }
    }

    /// What `DOCKER_HOST` has to be.
    pub(crate) fn socket(&self) -> String {
        socket_in(&self.folder)
    }

    /// A command in a home of the client's.
    pub(crate) fn call_in(&self, home: &Path, args: &[&str]) -> Call {
        let socket = self.socket();
        let args = ["--host", socket.as_str()].into_iter().chain(args.iter().copied());
        self.client.call(home, args).env("DOCKER_CLI_HINTS", "false")
    }

    /// Runs a command.
    pub(crate) fn run(&self, args: &[&str]) -> Done {
        self.call_in(&self.folder.join("client"), args).run()
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        self.clear();
        self.stop();
        // One that was killed leaves its folder mounted over itself, and nobody could remove that.
        let unmount = || std::process::Command::new("umount").arg(self.folder.join("data")).output();
        while unmount().is_ok_and(|done| done.status.success()) {}
    }
}

/// What `DOCKER_HOST` has to be for a daemon in this folder, started or not.
pub(crate) fn socket_in(folder: &Path) -> String {
    format!("unix://{}", folder.join("socket").display())
}
