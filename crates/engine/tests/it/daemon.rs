//! A daemon for the tests: Docker or Podman, in its own folder.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{
    ImportImageOptionsBuilder, KillContainerOptionsBuilder, ListContainersOptionsBuilder,
    RemoveContainerOptionsBuilder,
};
use bollard::{API_DEFAULT_VERSION, Docker};
use futures_util::StreamExt as _;
use gangplank_engine::NodeName;
use gangplank_engine::docker::Choice;
use tempfile::TempDir;

use crate::leftovers;

/// CI sets this variable. Then a skipped test counts as failed.
const REQUIRED: &str = "GANGPLANK_REQUIRE_CLIENTS";

/// A running daemon. Dropping it ends the daemon and its containers.
pub(crate) struct Daemon {
    pub(crate) choice: Choice,
    folder: TempDir,
    process: Option<Child>,
}

/// Whether a program is installed. If not, reports that the test is skipped.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|folder| folder.join(program).is_file());
    let is_root = std::fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.lines().any(|line| line.starts_with("Uid:\t0\t")));
    let missing = match (found, is_root) {
        (false, _) => format!("{program} is not installed"),
        (true, false) => format!("{program} can be started by root only"),
        (true, true) => return true,
    };
    assert!(std::env::var_os(REQUIRED).is_none(), "{missing}, and {REQUIRED} is set");
    eprintln!("SKIPPED: {missing}");
    false
}

impl Daemon {
    /// Starts Docker, if it is installed, with the tests' image.
    pub(crate) async fn docker() -> Option<Self> {
        Self::with_image("dockerd", Choice::Docker).await
    }

    /// Starts Podman, if it is installed, with the tests' image.
    pub(crate) async fn podman() -> Option<Self> {
        Self::with_image("podman", Choice::Podman).await
    }

    async fn with_image(program: &str, choice: Choice) -> Option<Self> {
        if !has(program) {
            return None;
        }
        let mut daemon = Self { choice, folder: tempfile::tempdir().expect("a folder"), process: None };
        daemon.start().await;
        daemon.load(crate::actor::archive()).await;
        Some(daemon)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.path("socket").display())
    }

    /// The tests' own connection to it.
    pub(crate) fn client(&self) -> Docker {
        Docker::connect_with_unix(&self.host(), 60, API_DEFAULT_VERSION).expect("the daemon's socket")
    }

    fn podman_options(&self) -> Vec<String> {
        let mut options: Vec<String> = ["root", "runroot", "tmpdir", "network-config-dir"]
            .map(|name| format!("--{name}={}", self.path(name).display()))
            .into();
        options.extend(
            ["--runtime=runc", "--cgroup-manager=cgroupfs", "--storage-driver=vfs"].map(str::to_owned),
        );
        options
    }

    fn podman_command(&self) -> Command {
        let settings = self.path("containers.conf");
        std::fs::create_dir_all(self.path("network-config-dir")).expect("a folder");
        std::fs::write(&settings, "[network]\nnetwork_backend = \"cni\"\n").expect("Podman's settings");
        let mut command = Command::new("podman");
        command.args(self.podman_options()).env("CONTAINERS_CONF", settings);
        command
    }

    fn command(&self) -> Command {
        if self.choice == Choice::Podman {
            let mut command = self.podman_command();
            command.args(["system", "service", "--time=0", &self.host()]);
            return command;
        }
        let option = |name: &str, file: &str| format!("--{name}={}", self.path(file).display());
        let mut command = Command::new("dockerd");
        command
            .arg(format!("--host={}", self.host()))
            .args([option("data-root", "data"), option("pidfile", "pid"), option("exec-root", "exec")])
            .args(["--iptables=false", "--ip-forward=false", "--bridge=none", "--storage-driver=vfs"]);
        command
    }

    /// Starts the daemon. The first attempt can fail if a killed daemon left something. Then tries again.
    pub(crate) async fn start(&mut self) {
        for _ in 0..3 {
            let _ = std::fs::remove_file(self.path("pid"));
            let _ = std::fs::remove_file(self.path("socket"));
            let log = std::fs::File::options().create(true).append(true).open(self.path("log"));
            let mut command = self.command();
            let mut process = command
                .env("HOME", self.folder.path())
                .env("TMPDIR", self.folder.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log.expect("the daemon's log"))
                .spawn()
                .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
            let began = Instant::now();
            while process.try_wait().expect("the daemon's state").is_none() {
                if self.path("socket").exists() && self.client().ping().await.is_ok() {
                    self.process = Some(process);
                    return;
                }
                assert!(began.elapsed() < Duration::from_mins(1), "no answer: {}", self.log());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        panic!("the daemon does not start: {}", self.log());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Kills the daemon. Its containers keep running.
    pub(crate) fn kill_daemon(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("a signal");
            process.wait().expect("the daemon's end");
        }
    }

    /// Kills the daemon and its containers, and deletes its list of containers.
    pub(crate) async fn forget_containers(&mut self) {
        let containers = self.containers(&[]).await;
        self.kill_daemon();
        for name in ["root/libpod/bolt_state.db", "root/db.sql"] {
            let _ = std::fs::remove_file(self.path(name));
        }
        for container in containers {
            let process = container.state.and_then(|state| state.pid).filter(|process| *process > 0);
            let Some(process) = process else { continue };
            let _ = Command::new("kill").args(["-KILL", &process.to_string()]).status();
        }
    }

    /// The folder of Podman's network configuration.
    pub(crate) fn networks_folder(&self) -> PathBuf {
        self.path("network-config-dir")
    }

    /// Loads an archive of an image.
    pub(crate) async fn load(&self, archive: Vec<u8>) {
        let options = ImportImageOptionsBuilder::new().build();
        let client = self.client();
        let mut loading = client.import_image(options, bollard::body_full(archive.into()), None);
        while let Some(said) = loading.next().await {
            said.expect("an image that loads");
        }
    }

    /// The ids of the containers that have labels.
    pub(crate) async fn containers(&self, labels: &[(&str, &str)]) -> Vec<ContainerInspectResponse> {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("dev.gangplank.{name}={value}")).collect();
        let filters: HashMap<String, Vec<String>> = [("label".to_owned(), labels)].into();
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let client = self.client();
        let mut found = Vec::new();
        for one in client.list_containers(Some(options)).await.expect("the containers") {
            found.push(client.inspect_container(&one.id.unwrap(), None).await.expect("a container"));
        }
        found
    }

    /// The id of a node's pause container.
    pub(crate) async fn pause_of(&self, owner: &str, node: &NodeName) -> String {
        let version = node.version.to_string();
        let found =
            self.containers(&[("owner", owner), ("service", &node.service), ("deployment", &version)]).await;
        let pause = found.into_iter().find(|one| {
            let labels = one.config.as_ref().and_then(|config| config.labels.as_ref());
            labels.is_some_and(|labels| !labels.contains_key("dev.gangplank.container"))
        });
        pause.and_then(|one| one.id).expect("a pause container")
    }

    /// Kills a container.
    pub(crate) async fn kill(&self, id: &str) {
        let options = KillContainerOptionsBuilder::new().signal("KILL").build();
        self.client().kill_container(id, Some(options)).await.expect("a signal");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.choice == Choice::Docker {
            self.clear_docker();
        }
        self.stop();
        if self.choice == Choice::Podman {
            self.clear_podman();
        }
    }
}

/// How long the daemon's processes may take to end by themselves.
const ENDS: Duration = Duration::from_secs(10);

impl Daemon {
    fn stop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let _ = Command::new("kill").args(["-TERM", &process.id().to_string()]).status();
        let asked = Instant::now();
        while matches!(process.try_wait(), Ok(None)) {
            if asked.elapsed() > Duration::from_secs(30) {
                let _ = process.kill();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Removes all containers, and then the networks. Without this, Docker would leave their bridges on the
    /// machine.
    fn clear_docker(&self) {
        if self.process.is_none() {
            return;
        }
        let client = self.client();
        // A runtime cannot wait inside a thread of another runtime.
        let clearing = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let all = ListContainersOptionsBuilder::new().all(true).build();
                for one in client.list_containers(Some(all)).await.unwrap_or_default() {
                    let force = RemoveContainerOptionsBuilder::new().force(true).build();
                    let _ = client.remove_container(&one.id.unwrap_or_default(), Some(force)).await;
                }
                let _ = client.prune_networks(None).await;
            });
            Ok::<_, std::io::Error>(())
        });
        let _ = clearing.join();
    }

    /// Podman's containers have no parent that waits for them. If a container is removed, the containers that
    /// joined it are removed, too. Each container removes the rules of its network in a cleanup process. So:
    /// remove containers, wait for cleanup processes, remove networks, and then remove what is still left
    /// because Podman was killed in between.
    fn clear_podman(&self) {
        for _ in 0..5 {
            let _ = self.podman_command().args(["rm", "--all", "--force", "--depend", "--time=0"]).output();
            let left = self.podman_command().args(["ps", "--all", "--quiet"]).output();
            if left.is_ok_and(|left| left.status.success() && left.stdout.trim_ascii().is_empty()) {
                break;
            }
        }
        let began = Instant::now();
        while began.elapsed() < ENDS && self.is_anybody_at_work() {
            std::thread::sleep(Duration::from_millis(50));
        }
        let networks = leftovers::networks(&self.networks_folder());
        let _ = self.podman_command().args(["network", "prune", "--force"]).output();
        leftovers::remove(&networks);
    }

    /// Whether a process with the test's folder in its command line still runs.
    fn is_anybody_at_work(&self) -> bool {
        let folder = self.folder.path().as_os_str().as_encoded_bytes();
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
        lines.any(|line| line.windows(folder.len()).any(|part| part == folder))
    }
}
