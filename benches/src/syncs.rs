//! The number of syncs of a server before it answers, counted with `strace`. A promise of durability costs
//! syncs, so a server that makes no such promise cannot be compared with one that does.
//!
//! Calls of the fsync family are counted. Files opened with `O_SYNC` are not seen.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::content::random;
use crate::digest::sha256;
use crate::http::{Blocking, expect, path_of, with_digest};
use crate::report::Report;
use crate::servers::{Started, is_installed};
use crate::target::Target;
use crate::work::{Parts, open_session, put_request, repository};

const STRACE: &str = "strace";
/// How often each operation is done.
const TIMES: usize = 20;
const SIZE: usize = 4 << 10;

/// The syncs of one operation on one server.
pub(crate) struct Counted {
    pub(crate) what: &'static str,
    pub(crate) target: String,
    /// The number of syncs each time, sorted. Never empty.
    pub(crate) each: Vec<usize>,
}

/// The times of a request and its answer, since 1970.
type Span = (Duration, Duration);

/// Counts on every server whose process is known. The traces are written to `home`.
pub(crate) fn count(targets: &[Target], home: &Path, report: &mut Report) -> Result<()> {
    if !is_installed(STRACE) {
        report.skipped.push(format!("syncs: {STRACE} is not installed"));
        return Ok(());
    }
    for target in targets {
        let Some(pid) = target.pid else {
            report.skipped.push(format!("syncs on {}: its process is not known", target.name));
            continue;
        };
        let trace = match Trace::attach(pid, home.join("syncs")) {
            Ok(trace) => trace,
            Err(error) => {
                report.skipped.push(format!("syncs on {}: {error:#}", target.name));
                continue;
            }
        };
        let mut done = registry(target)?;
        done.extend(api(target)?);
        let syncs = trace.end()?;
        for (what, spans) in done {
            let within = |(from, to): &Span| syncs.iter().filter(|at| from <= *at && *at <= to).count();
            let mut each: Vec<usize> = spans.iter().map(within).collect();
            each.sort_unstable();
            report.syncs.push(Counted { what, target: target.name.clone(), each });
        }
    }
    Ok(())
}

/// Pushes blobs one after the other, first in one request and then in several, and then manifests, all on one
/// connection.
fn registry(target: &Target) -> Result<Vec<(&'static str, Vec<Span>)>> {
    let repository = repository("syncs")?;
    let parts = Parts::push(target, &repository)?;
    let mut connection = Blocking::open(target)?;
    let (mut puts, mut patches, mut ends, mut manifests) = (vec![], vec![], vec![], vec![]);
    let length = format!("Content-Type: application/octet-stream\r\nContent-Length: {SIZE}\r\n");
    for number in 0..TIMES {
        let content = random(SIZE)?;
        let asked = now()?;
        let location = open_session(target, &mut connection, &repository)?;
        let mut put = target.head("PUT", &with_digest(&location, &sha256(&content)), &length);
        put.extend_from_slice(&content);
        expect(&connection.ask(&put)?, 201, "PUT of a blob")?;
        puts.push((asked, now()?));

        let content = random(SIZE)?;
        let location = open_session(target, &mut connection, &repository)?;
        let mut patch = target.head("PATCH", &location, &length);
        patch.extend_from_slice(&content);
        let asked = now()?;
        let answer = connection.ask(&patch)?;
        expect(&answer, 202, "PATCH")?;
        let answered = now()?;
        patches.push((asked, answered));
        let location = path_of(answer.location.as_deref().unwrap_or_default());
        let end = with_digest(location, &sha256(&content));
        expect(&connection.ask(&target.head("PUT", &end, "Content-Length: 0\r\n"))?, 201, "PUT")?;
        ends.push((answered, now()?));

        let manifest = parts.manifest(&format!("number {number}"));
        let put = put_request(target, &repository, &format!("v{number}"), &manifest);
        let asked = now()?;
        expect(&connection.ask(&put)?, 201, "PUT of a manifest")?;
        manifests.push((asked, now()?));
    }
    Ok(vec![
        ("blob: POST and PUT", puts),
        ("PATCH", patches),
        ("PUT that ends a PATCH", ends),
        ("manifest with a tag", manifests),
    ])
}

/// Logins and registrations, if the target has the API.
fn api(target: &Target) -> Result<Vec<(&'static str, Vec<Span>)>> {
    if target.access_key.is_none() {
        return Ok(vec![]);
    }
    let repository = repository("syncs")?;
    let manifest = Parts::push(target, &repository)?.manifest("to be registered");
    let mut connection = Blocking::open(target)?;
    let put = put_request(target, &repository, "latest", &manifest);
    expect(&connection.ask(&put)?, 201, "PUT of a manifest")?;
    let register = json!({ "serviceName": "bench", "label": "syncs", "digest": sha256(manifest.as_bytes()) });
    let calls = [
        ("login", "CreateContainerServiceRegistryLogin", "{}".to_owned()),
        ("registration", "RegisterContainerImage", register.to_string()),
    ];
    let mut done = Vec::new();
    for (what, operation, input) in calls {
        let mut spans = Vec::new();
        for _ in 0..TIMES {
            let call = target.call(operation, &input, &hex::encode(random(6)?)).context("no access key")?;
            let asked = now()?;
            expect(&connection.ask(&call)?, 200, operation)?;
            spans.push((asked, now()?));
        }
        done.push((what, spans));
    }
    Ok(done)
}

fn now() -> Result<Duration> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}

/// A running `strace` of a server.
struct Trace {
    strace: Started,
    file: PathBuf,
}

impl Trace {
    /// Attaches to a process and all of its threads.
    fn attach(pid: u32, file: PathBuf) -> Result<Self> {
        let process = Command::new(STRACE)
            .args(["-f", "-ttt", "-e", "trace=fsync,fdatasync,msync,sync,syncfs", "-e", "signal=none"])
            .arg("-o")
            .arg(&file)
            .args(["-p", &pid.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start strace")?;
        let mut strace = Started(process);
        let mut said = String::new();
        let errors = strace.0.stderr.take().context("no standard error")?;
        let mut errors = BufReader::new(errors);
        errors.read_line(&mut said)?;
        ensure!(said.contains("attached"), "{}", said.trim());
        // strace keeps reporting new threads. Nobody needs these reports.
        std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
        Ok(Self { strace, file })
    }

    /// Detaches. Returns the time of each sync.
    fn end(mut self) -> Result<Vec<Duration>> {
        let id = i32::try_from(self.strace.0.id()).ok().and_then(Pid::from_raw).context("no process id")?;
        kill_process(id, Signal::INT)?;
        self.strace.0.wait()?;
        let lines = BufReader::new(File::open(&self.file)?).lines();
        // `4711 1700000000.123456 fsync(5) = 0`. The second half of an interrupted call does not begin with a call's
        // name.
        let began = |line: &str| {
            let mut words = line.split_whitespace();
            let at = words.nth(1)?.parse().ok()?;
            words.next()?.contains("sync(").then(|| Duration::from_secs_f64(at))
        };
        let found = lines.map(|line| Ok(began(&line?))).filter_map(Result::transpose).collect();
        fs::remove_file(&self.file)?;
        found
    }
}
