//! A `HAProxy` that gives each request to the next replica.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::TlsAt;
use crate::identity::tls_file;

/// Debian's place.
pub(super) const PROGRAM: &str = "/usr/sbin/haproxy";

/// `tune.http.maxhdr` and `timeout http-request` leave refusals to the replicas. Only a request that could not be sent
/// goes to another replica. Requests of one connection go to different replicas, too, and there are no cookies.
/// A replica that stops finishes its requests.
const CONFIG: &str = "\
global
    tune.http.maxhdr 1000
    log stdout format raw local0
defaults
    mode http
    log global
    option httplog
    option forwardfor
    option redispatch 1
    retry-on conn-failure
    timeout connect 5s
    timeout client 15m
    timeout server 15m
    timeout http-request 30s
    timeout http-keep-alive 60s
    timeout check 2s
";

/// Clients may speak HTTP/2, and replicas get HTTP/1.1.
const ENDS_TLS: &str = "alpn h2,http/1.1\n    http-request set-header X-Forwarded-Proto https";

/// Replicas get the bytes of a connection as they are. A connection stays at one replica.
const PASSES_TLS: &str = "    mode tcp
    option tcplog
    timeout tunnel 15m
";

const BACKEND: &str = "
    default_backend replicas
backend replicas
    balance roundrobin
    option httpchk GET /readyz
    http-check expect status 200
    default-server check inter 500ms fall 2 rise 1";

/// A load balancer before some addresses. Ends when dropped.
#[derive(Debug)]
pub struct HaProxy {
    address: SocketAddr,
    log: PathBuf,
    process: Option<Child>,
    listener: Option<TcpListener>,
}

impl HaProxy {
    /// Takes a port. Requests wait until it [runs](Self::run).
    pub(crate) fn on_a_port() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        Self { address, log: PathBuf::new(), process: None, listener: Some(listener) }
    }

    /// Starts HAProxy in front of these replicas. Its files are in `folder`.
    pub(crate) fn run(
        &mut self,
        replicas: impl Iterator<Item = SocketAddr>,
        folder: &Path,
        tls: Option<TlsAt>,
    ) {
        let bind = match tls {
            Some(TlsAt::Balancer) => format!(" ssl crt {} {ENDS_TLS}", pair_in(folder).display()),
            Some(TlsAt::Replicas) | None => String::new(),
        };
        let passes = tls == Some(TlsAt::Replicas);
        let (mode, check) = if passes { (PASSES_TLS, " check-ssl verify none") } else { ("", "") };
        let mut config = CONFIG.to_owned();
        write!(config, "{mode}frontend registry\n    bind fd@0{bind}{BACKEND}{check}\n").expect("text");
        for (number, address) in replicas.enumerate() {
            writeln!(config, "    server r{number} {address}").expect("text");
        }
        let file = folder.join("haproxy.cfg");
        fs::write(&file, config).expect("its configuration");
        self.log = folder.join("haproxy.log");
        let log = File::options().create(true).append(true).open(&self.log).expect("its log");
        let listener = self.listener.take().expect("a port that nothing serves");
        let process = Command::new(PROGRAM)
            .arg("-db")
            .arg("-f")
            .arg(file)
            .env_clear()
            // HAProxy inherits the port, so that no other process can take it.
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stdout(log.try_clone().expect("its log"))
            .stderr(log)
            .spawn()
            .expect("to start haproxy");
        self.process = Some(process);
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A line for each request, with the replica that answered, as `replicas/r0`.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// Writes the certificate and its key into one file.
fn pair_in(folder: &Path) -> PathBuf {
    let read = |name| fs::read_to_string(tls_file(name)).expect("a file for TLS");
    let file = folder.join("haproxy.pem");
    fs::write(&file, read("server.pem") + &read("server.key")).expect("its certificate");
    file
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
