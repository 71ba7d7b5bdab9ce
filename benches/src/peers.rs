//! Other registries, if they are installed. They are started on a folder, without authentication, rate limits or an
//! upstream.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::servers::{Started, is_installed};

/// A registry that the benchmark knows how to start.
pub(crate) struct Peer {
    /// The name of the target.
    pub(crate) name: &'static str,
    program: &'static str,
    /// The command that serves a folder at an address.
    command: fn(&Path, SocketAddr) -> Result<Command>,
}

/// All of them, in the order of the results.
const PEERS: [Peer; 2] = [
    // Debian's name of the program.
    Peer { name: "distribution", program: "docker-registry", command: distribution },
    Peer { name: "nora", program: "nora", command: nora },
];

/// The registries that are installed.
pub(crate) fn installed() -> impl Iterator<Item = &'static Peer> {
    PEERS.iter().filter(|peer| is_installed(peer.program))
}

/// The registry with a name.
pub(crate) fn named(name: &str) -> Option<&'static Peer> {
    PEERS.iter().find(|peer| peer.name == name)
}

impl Peer {
    /// Starts the registry. Returns when it accepts connections.
    pub(crate) fn start(&self, data: &Path) -> Result<(Started, SocketAddr)> {
        fs::create_dir_all(data)?;
        // None of them reports its port, so a port is used that was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = (self.command)(data, address)?;
        let log = File::create(data.join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = Started(command.spawn().with_context(|| format!("cannot start {}", self.program))?);
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            ensure!(Instant::now() < until, "{} did not start", self.program);
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok((child, address))
    }
}

fn distribution(data: &Path, address: SocketAddr) -> Result<Command> {
    let config = data.join("config.yml");
    let folder = data.join("registry");
    fs::write(
        &config,
        format!(
            "version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\nstorage:\n  cache:\n    \
             blobdescriptor: inmemory\n  filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\n\
             http:\n  addr: {address}\n",
            folder.display()
        ),
    )?;
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(&config);
    Ok(command)
}

fn nora(data: &Path, address: SocketAddr) -> Result<Command> {
    let config = data.join("config.toml");
    // Without an upstream. Otherwise nora would look for missing content at Docker Hub.
    fs::write(&config, "[docker]\nupstreams = []\n")?;
    let mut command = Command::new("nora");
    command
        .arg("serve")
        .env("NORA_CONFIG_PATH", &config)
        .env("NORA_HOST", address.ip().to_string())
        .env("NORA_PORT", address.port().to_string())
        .env("NORA_STORAGE_MODE", "local")
        .env("NORA_STORAGE_PATH", data.join("registry"))
        .env("NORA_REGISTRIES_ENABLE", "docker")
        .env("NORA_AUTH_ENABLED", "false")
        .env("NORA_RATE_LIMIT_ENABLED", "false")
        .env("RUST_LOG", "error");
    Ok(command)
}
