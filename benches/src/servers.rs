//! Servers that the benchmark starts itself, on free ports and with temporary data.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use crate::bucket::{BUCKET, Bucket, KEYS};
use crate::cpus;
use crate::http::Blocking;
use crate::peers::{self, Peer};
use crate::report::Row;
use crate::target::Target;
use crate::tls::Tls;

pub(crate) const ACCESS_KEY: (&str, &str) = ("GPAKBENCHBENCHBENCH2", "bench-secret-access-key-0123456789");

/// Quotas so high that a benchmark never reaches them.
const NO_QUOTAS: [&str; 5] = [
    "GANGPLANK_MAX_SERVICES_PER_REGION",
    "GANGPLANK_MAX_REPOSITORIES",
    "GANGPLANK_MAX_MANIFESTS",
    "GANGPLANK_MAX_TAGS",
    "GANGPLANK_MAX_REGISTRY_LOGINS",
];

/// The programs of the servers.
pub(crate) struct Programs {
    pub(crate) gangplank: PathBuf,
    /// A folder with programs of peers, besides those on the path.
    pub(crate) peers: Option<PathBuf>,
    /// The certificate with which servers serve TLS. `None` for plain HTTP.
    pub(crate) tls: Option<Tls>,
    /// The parent of their data directories.
    pub(crate) home: PathBuf,
}

/// A server. It ends when this value is dropped.
pub(crate) struct Started(pub(crate) Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The targets that can be measured without further options.
pub(crate) fn installed(programs: &Programs) -> Vec<String> {
    let own = programs.gangplank.is_file().then_some("gangplank");
    let peers = peers::all().filter(|peer| peer.missing(programs).is_none()).map(|peer| peer.name);
    own.into_iter().chain(peers).map(str::to_owned).collect()
}

/// Whether a program is on the path.
pub(crate) fn is_installed(program: &str) -> bool {
    find(program, None).is_some()
}

/// The file of a program: in `first`, or else on the path.
pub(crate) fn find(program: &str, first: Option<&Path>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = first.map(Path::to_owned).into_iter().chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// A port that nobody listens on now.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Starts gangplank, with an operator login for the registry and the root key for the API.
pub(crate) fn gangplank(programs: &Programs, name: &str) -> Result<Target> {
    gangplank_with(programs, name, &[])
}

/// Starts gangplank like [`gangplank`], with content in a bucket.
pub(crate) fn gangplank_in(programs: &Programs, name: &str, bucket: &Bucket) -> Result<Target> {
    let endpoint = format!("http://127.0.0.1:{}", bucket.port());
    let variables = [
        ("GANGPLANK_BLOBS", &*format!("s3://{BUCKET}/gangplank")),
        ("GANGPLANK_S3_ENDPOINT", &endpoint),
        ("GANGPLANK_S3_ACCESS_KEY_ID", KEYS.0),
        ("GANGPLANK_S3_SECRET_ACCESS_KEY", KEYS.1),
    ];
    let target = gangplank_with(programs, &format!("{name}-bucket"), &variables)?;
    Ok(Target { name: name.to_owned(), ..target })
}

/// Starts gangplank like [`gangplank`], with further variables.
pub(crate) fn gangplank_with(programs: &Programs, name: &str, variables: &[(&str, &str)]) -> Result<Target> {
    let data = programs.home.join(name);
    let (child, address) = start_gangplank(programs, &data, variables)?;
    let mut target = Target::at(name, address, address.to_string());
    target.tls.clone_from(&programs.tls);
    target.pid = Some(child.0.id());
    target.started = Some(child);
    target.access_key = Some((ACCESS_KEY.0.to_owned(), ACCESS_KEY.1.to_owned()));
    let mut create = Command::new(&programs.gangplank);
    create.args(["registry-login", "create", "--scope", "push,pull,delete", "--data-dir"]).arg(&data);
    let output = target.trusted_by(&mut create).output()?;
    ensure!(output.status.success(), "no login: {}", String::from_utf8_lossy(&output.stderr));
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let password = shown["password"].as_str().with_context(|| format!("no password in {shown}"))?;
    target.client = Some((programs.gangplank.clone(), data));
    target.login = Some(("AWS".to_owned(), password.to_owned()));
    let service = r#"{"serviceName":"bench","power":"nano","scale":1}"#;
    let call = target.call("CreateContainerService", service, "bench-service").context("no access key")?;
    let answer = Blocking::open(&target)?.ask(&call)?;
    let body = String::from_utf8_lossy(&answer.body);
    // An earlier start on the same data made the key.
    ensure!(answer.status == 200 || body.contains("already in use"), "no service: {body}");
    Ok(target)
}

fn start_gangplank(
    programs: &Programs,
    data: &Path,
    variables: &[(&str, &str)],
) -> Result<(Started, SocketAddr)> {
    serve(&programs.gangplank, &data.with_extension("log"), |command| {
        command.arg("--data-dir").arg(data).envs(variables.iter().copied());
        if let Some(tls) = &programs.tls {
            command.arg("--tls-cert").arg(&tls.certificate).arg("--tls-key").arg(&tls.key);
        }
    })
}

/// Starts gangplank with further arguments and variables, and waits until it listens.
pub(crate) fn serve(
    program: &Path,
    log: &Path,
    configure: impl FnOnce(&mut Command),
) -> Result<(Started, SocketAddr)> {
    let mut command = Command::new(program);
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("GANGPLANK_ENGINE", "none")
        .env("GANGPLANK_ROOT_ACCESS_KEY_ID", ACCESS_KEY.0)
        .env("GANGPLANK_ROOT_SECRET_ACCESS_KEY", ACCESS_KEY.1)
        .envs(NO_QUOTAS.map(|name| (name, "100000000")))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(log)?);
    configure(&mut command);
    let mut child = cpus::spawn_server(&mut command)?;
    let output = child.stdout.take().context("no standard output")?;
    let child = Started(child);
    let mut ready = String::new();
    BufReader::new(output).read_line(&mut ready)?;
    let address = ready.trim().rsplit_once("//").map(|(_, address)| address.parse());
    Ok((child, address.with_context(|| format!("gangplank said {ready:?}"))??))
}

/// Starts another registry on a folder, or with content in a bucket.
pub(crate) fn peer(peer: &Peer, programs: &Programs, bucket: Option<&Bucket>) -> Result<Target> {
    let place = if bucket.is_some() { "bucket" } else { "folder" };
    let data = programs.home.join(format!("{}-{place}", peer.name));
    let (child, address) = peer.start(programs, &data, bucket)?;
    let mut target = Target::at(peer.name, address, address.to_string());
    target.tls.clone_from(&programs.tls);
    target.pid = Some(child.0.id());
    target.started = Some(child);
    Ok(target)
}

/// Starts a server on an empty directory several times. Measures from `exec` to the first answer.
pub(crate) fn cold_start(name: &str, programs: &Programs, runs: usize) -> Result<Option<Row>> {
    let mut outcomes = Vec::new();
    for run in 0..runs * 3 {
        let data = programs.home.join(format!("{name}-cold-{run}"));
        let start = Instant::now();
        let (child, address) = match (name, peers::named(name)) {
            ("gangplank", _) => start_gangplank(programs, &data, &[])?,
            (_, Some(peer)) => peer.start(programs, &data, None)?,
            _ => return Ok(None),
        };
        let mut target = Target::at(name, address, address.to_string());
        target.tls.clone_from(&programs.tls);
        let answer = Blocking::open(&target)?.ask(&target.head("GET", "/v2/", ""))?;
        ensure!(answer.status == 200 || answer.status == 401, "the first answer was {}", answer.status);
        let elapsed = start.elapsed();
        let outcome = crate::meter::Outcome {
            operations: 1,
            elapsed,
            latencies: vec![elapsed],
            server_cpu: crate::meter::processor_seconds(child.0.id()),
            ..Default::default()
        };
        outcomes.push(outcome);
        drop(child);
        let _ = fs::remove_dir_all(&data);
    }
    Ok(Row::median("cold start", name, outcomes))
}
