//! Other registries, if they are installed. They are started without authentication, rate limits or an upstream.
//!
//! `benches/peers/build` builds those that no distribution packages.

mod distribution;
mod nora;
mod zot;

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::bucket::Bucket;
use crate::cpus;
use crate::servers::{Programs, Started, find, free_port};
use crate::tls::Tls;

/// A registry that the benchmark knows how to start.
pub(crate) struct Peer {
    /// The name of the target.
    pub(crate) name: &'static str,
    /// The name of its program.
    pub(crate) program: &'static str,
    /// Whether it serves TLS.
    has_tls: bool,
    /// Whether it stores content in a bucket.
    pub(crate) has_buckets: bool,
    /// The command that serves.
    command: fn(&Setup<'_>) -> Result<Command>,
}

/// The arguments, variables and files with which a peer is started.
struct Setup<'a> {
    program: PathBuf,
    /// A folder for its configuration, and for content without a bucket.
    data: &'a Path,
    address: SocketAddr,
    tls: Option<&'a Tls>,
    bucket: Option<&'a Bucket>,
}

/// All of them, in the order of the results.
const PEERS: [Peer; 4] = [
    Peer {
        name: "distribution-2",
        // Debian's name of the program.
        program: "docker-registry",
        has_tls: true,
        // Version 3 has the same driver, with the faults of this one mended.
        has_buckets: false,
        command: distribution::command,
    },
    Peer {
        name: "distribution-3",
        program: "registry",
        has_tls: true,
        has_buckets: true,
        command: distribution::command,
    },
    Peer { name: "zot", program: "zot", has_tls: true, has_buckets: true, command: zot::command },
    Peer { name: "nora", program: "nora", has_tls: false, has_buckets: false, command: nora::command },
];

/// All registries that the benchmark knows.
pub(crate) fn all() -> impl Iterator<Item = &'static Peer> {
    PEERS.iter()
}

/// The registry with a name.
pub(crate) fn named(name: &str) -> Option<&'static Peer> {
    PEERS.iter().find(|peer| peer.name == name)
}

impl Peer {
    /// The reason why this registry cannot be measured here. `None` if it can be measured.
    pub(crate) fn missing(&self, programs: &Programs) -> Option<String> {
        if find(self.program, programs.peers.as_deref()).is_none() {
            return Some(format!("the program {} is not installed", self.program));
        }
        (programs.tls.is_some() && !self.has_tls).then(|| "it does not serve TLS".to_owned())
    }

    /// Starts the registry. Returns when it accepts connections.
    pub(crate) fn start(
        &self,
        programs: &Programs,
        data: &Path,
        bucket: Option<&Bucket>,
    ) -> Result<(Started, SocketAddr)> {
        if let Some(reason) = self.missing(programs) {
            anyhow::bail!("{} cannot be started: {reason}", self.name);
        }
        fs::create_dir_all(data)?;
        // None of them reports its port, so each gets a port that was free a moment ago.
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let program = find(self.program, programs.peers.as_deref()).unwrap_or_default();
        let setup = Setup { program, data, address, tls: programs.tls.as_ref(), bucket };
        let mut command = (self.command)(&setup)?;
        let log = File::create(data.join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut child = Started(cpus::spawn_server(&mut command)?);
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(address).is_err() {
            let ended = child.0.try_wait()?.is_some();
            let said = || fs::read_to_string(data.join("log")).unwrap_or_default();
            ensure!(!ended && Instant::now() < until, "{} did not start: {}", self.name, said());
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok((child, address))
    }
}
