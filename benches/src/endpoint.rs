//! The endpoint of container services as a proxy, beside nginx, with the benchmark itself as the node.
//!
//! The program takes its nodes from an engine only. So a test program of the server's crate runs the proxy
//! (`crates/server/src/endpoint/tests/speed.rs`).

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::cpus;
use crate::http::Blocking;
use crate::load::{Requests, drive};
use crate::meter::{Meter, Outcome};
use crate::report::Report;
use crate::servers::{Started, find, free_port};
use crate::target::Target;
use crate::work::Scale;

/// The name of the work.
pub(crate) const GET: &str = "endpoint: GET of 24 bytes";

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Length: 24\r\nContent-Type: text/plain\r\n\r\nhello from the container";

/// Measures each proxy that can be had, in turns.
pub(crate) fn measure(
    program: Option<&Path>,
    home: &Path,
    scale: &Scale,
    runs: usize,
    report: &mut Report,
) -> Result<()> {
    let node = node()?;
    let mut proxies = Vec::new();
    match program {
        Some(program) => proxies.push(gangplank(program, node, home)?),
        None => report.skip(GET, "gangplank", "--endpoint names no program"),
    }
    match find("nginx", Some(Path::new("/usr/sbin"))) {
        Some(program) => proxies.push(nginx(&program, node, home)?),
        None => report.skip(GET, "nginx", "it is not installed"),
    }
    for proxy in &proxies {
        wait(proxy)?;
    }
    let proxies: Vec<&Target> = proxies.iter().collect();
    report.measure(GET, &proxies, runs, |proxy| {
        let requests = Requests { requests: vec![proxy.head("GET", "/", "")], expected: 200 };
        // More than of other reads, so that a run takes a second.
        let count = scale.reads * 4;
        let (meter, latencies) = drive(proxy, scale.connections, count, &requests, || Meter::start(proxy))?;
        Ok::<Option<Outcome>, _>(Some(meter.stop(latencies, 0)))
    });
    Ok(())
}

fn gangplank(program: &Path, node: SocketAddr, home: &Path) -> Result<Target> {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let mut command = Command::new(program);
    command
        .args(["--ignored", "--exact", "endpoint::tests::speed::serves_a_node_of_your_choice"])
        .env("GANGPLANK_NODE", node.to_string())
        .env("GANGPLANK_LISTEN", address.to_string());
    start("gangplank", address, &mut command, home)
}

fn nginx(program: &Path, node: SocketAddr, home: &Path) -> Result<Target> {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let folder = home.join("nginx");
    fs::create_dir_all(&folder)?;
    let config = folder.join("nginx.conf");
    let at = |name: &str| folder.join(name).display().to_string();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {};", at(kind)))
        .concat();
    fs::write(
        &config,
        format!(
            "daemon off; master_process off; pid {}; error_log {};\n\
             events {{ worker_connections 4096; }}\n\
             http {{ access_log off; keepalive_requests 100000000; {temporary}\n\
             upstream node {{ server {node}; keepalive 256; keepalive_requests 100000000; }}\n\
             server {{ listen {address}; location / {{ proxy_pass http://node; proxy_http_version 1.1;\n\
             proxy_set_header Connection \"\"; }} }} }}\n",
            at("pid"),
            at("error"),
        ),
    )?;
    start("nginx", address, Command::new(program).arg("-c").arg(&config).arg("-p").arg(&folder), home)
}

fn start(name: &str, address: SocketAddr, command: &mut Command, home: &Path) -> Result<Target> {
    let log: PathBuf = home.join(format!("{name}-endpoint.log"));
    let log = File::create(log)?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let child = Started(cpus::spawn_server(command)?);
    let mut target = Target::at(name, address, address.to_string());
    target.pid = Some(child.0.id());
    target.started = Some(child);
    Ok(target)
}

/// Waits until a proxy forwards.
fn wait(proxy: &Target) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(proxy.address).is_err() {
        ensure!(Instant::now() < until, "the proxy {} does not listen", proxy.name);
        std::thread::sleep(Duration::from_millis(20));
    }
    let answer = Blocking::open(proxy)?.ask(&proxy.head("GET", "/", ""))?;
    crate::http::expect(&answer, 200, "a request through the proxy")
}

/// Starts a node that answers each request with the same bytes. It ends with the benchmark.
fn node() -> Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new()
        .name("node".to_owned())
        .spawn(move || {
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                loop {
                    let (stream, _) = listener.accept().await?;
                    tokio::spawn(answer(stream));
                }
                #[expect(unreachable_code, reason = "it names the error's type")]
                Ok::<(), std::io::Error>(())
            })
        })
        .context("no thread for the node")?;
    Ok(address)
}

async fn answer(mut stream: tokio::net::TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        // A proxy sends the next request after the answer.
        if buffer.ends_with(b"\r\n\r\n") {
            buffer.clear();
            stream.write_all(ANSWER).await?;
        }
    }
}
