//! Docker's daemon, in its own folder.

use std::path::{Path, PathBuf};

use crate::client::{Call, Done, Program};
use crate::daemon::Daemon;

/// A daemon that touches only its own folder, with a client.
pub(crate) struct Dockerd {
    folder: PathBuf,
    client: Program,
    options: Vec<String>,
    /// The first two numbers of the addresses of its networks. Other daemons of this machine may use the usual ones.
    addresses: [u8; 2],
    daemon: Option<Daemon>,
}

/// The addresses of a daemon that runs alone.
const ADDRESSES: [u8; 2] = [10, 213];

impl Dockerd {
    /// Starts a daemon that does not use the machine's firewall, so its networks are not separated.
    pub(crate) fn start(folder: &Path, client: &Program) -> Self {
        Self::start_with(folder, client, &["--iptables=false", "--ip-forward=false"])
    }

    /// Starts one with options.
    pub(crate) fn start_with(folder: &Path, client: &Program, options: &[&str]) -> Self {
        Self::start_at(folder, client, options, ADDRESSES)
    }

    /// Starts one with options. Its networks have their own addresses, so that several daemons can run side by
    /// side.
    pub(crate) fn start_at(folder: &Path, client: &Program, options: &[&str], addresses: [u8; 2]) -> Self {
        std::fs::create_dir_all(folder.join("client")).expect("the daemon's folder");
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let (folder, client) = (folder.to_owned(), client.clone());
        let mut dockerd = Self { folder, client, options, addresses, daemon: None };
        dockerd.start_again();
        dockerd
    }

    /// Starts it again.
    pub(crate) fn start_again(&mut self) {
        let comes_up = self.comes_up();
        let said = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        assert!(comes_up, "a daemon did not start: {}", said());
    }

    /// Starts the daemon. `false` if it does not start. The first attempt can fail if a killed daemon left something.
    fn comes_up(&mut self) -> bool {
        let option = |name: &str, file: &str| format!("--{name}={}", self.folder.join(file).display());
        let mut args = vec![format!("--host={}", self.socket()), option("data-root", "data")];
        args.extend([option("pidfile", "pid"), option("exec-root", "exec")]);
        args.extend(["--bridge=none", "--storage-driver=vfs"].map(str::to_owned));
        let [first, second] = self.addresses;
        args.push(format!("--default-address-pool=base={first}.{second}.0.0/16,size=24"));
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

    /// Removes all containers and networks. They would stay on the machine even if a trial killed the daemon
    /// and did not start it again.
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

    /// Stops the daemon and its containers.
    pub(crate) fn stop(&mut self) {
        self.daemon = None;
    }

    /// Kills it, as a crash would. Its containers keep running.
    pub(crate) fn kill(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.kill();
        }
    }

    /// The value for `DOCKER_HOST`.
    pub(crate) fn socket(&self) -> String {
        socket_in(&self.folder)
    }

    /// A command of the client, with this home folder.
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
        // A killed daemon leaves its folder mounted over itself, which makes it impossible to remove.
        let unmount = || std::process::Command::new("umount").arg(self.folder.join("data")).output();
        while unmount().is_ok_and(|done| done.status.success()) {}
    }
}

/// The value for `DOCKER_HOST` with a daemon in this folder, started or not.
pub(crate) fn socket_in(folder: &Path) -> String {
    format!("unix://{}", folder.join("socket").display())
}
