//! The same kinds of work, measured with more content in the store, more tags, and more connections.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::content::random;
use crate::digest::sha256;
use crate::http::{Blocking, expect};
use crate::load::{Requests, drive};
use crate::meter::{Meter, Outcome};
use crate::report::{Conditions, Row, head};
use crate::servers::{self, Programs};
use crate::target::Target;
use crate::work::{self, put_manifest, small_blobs};
use crate::{fill, page, plot};

const CONNECTIONS: usize = 16;

/// One measurement along one axis.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) points: Vec<(usize, Row)>,
}

/// The sizes of all axes.
struct Extent {
    sizes: &'static [usize],
    tags: &'static [usize],
    connections: &'static [usize],
    reads: usize,
}

const QUICK: Extent = Extent { sizes: &[1_000, 2_000], tags: &[10, 100], connections: &[1, 10], reads: 500 };

const FULL: Extent = Extent {
    sizes: &[1_000, 100_000, 1_000_000],
    tags: &[10, 100, 1_000, 10_000],
    connections: &[1, 10, 100, 1_000],
    reads: 20_000,
};

/// Measures everything with all sizes in each run, and writes `growth.md` and `growth.svg`. A store that an earlier
/// measurement filled in the same place is used again.
pub(crate) fn measure(
    programs: &Programs,
    quick: bool,
    runs: usize,
    out: &Path,
    page: Option<&Path>,
) -> Result<()> {
    let extent = if quick { QUICK } else { FULL };
    for size in extent.sizes.iter().copied() {
        fill_once(programs, size, extent.tags)?;
    }
    let mut found = Found::default();
    for run in 1..=runs {
        eprintln!("run {run} of {runs}");
        for size in extent.sizes.iter().copied() {
            by_size(programs, size, extent.reads, &mut found)?;
        }
        by_tags_and_connections(programs, &extent, &mut found)?;
    }
    let lines = found.lines();
    let words = "Plain HTTP on loopback, 16 connections where their number is not shown.".to_owned();
    let table = head(&Conditions { runs, quick, words }) + &table(&lines);
    eprintln!("{table}");
    std::fs::write(out.join("growth.md"), &table)?;
    let picture = out.join("growth.svg");
    std::fs::write(&picture, plot::lines(&lines))?;
    if let Some(page) = page {
        page::replace(page, "growth", &table)?;
        page::put_beside(page, &picture)?;
    }
    Ok(())
}

/// The results of every run, in the order of the first measurement.
#[derive(Default)]
struct Found(Vec<(&'static str, usize, Vec<Outcome>)>);

impl Found {
    fn note(&mut self, name: &'static str, at: usize, outcome: Outcome) {
        match self.0.iter_mut().find(|found| (found.0, found.1) == (name, at)) {
            Some((.., outcomes)) => outcomes.push(outcome),
            None => self.0.push((name, at, vec![outcome])),
        }
    }

    fn lines(self) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for (name, at, outcomes) in self.0 {
            let point = Row::median(name, "gangplank", outcomes).map(|row| (at, row));
            match lines.iter_mut().find(|line| line.name == name) {
                Some(line) => line.points.extend(point),
                None => lines.push(Line { name, points: point.into_iter().collect() }),
            }
        }
        lines
    }
}

fn name(size: usize) -> String {
    format!("growth-{size}")
}

fn fill_once(programs: &Programs, size: usize, tags: &[usize]) -> Result<()> {
    let data = programs.home.join(name(size));
    let filled = data.with_extension("filled");
    if filled.exists() {
        return Ok(());
    }
    let _ = std::fs::remove_dir_all(&data);
    // The first start makes the directory and its access key.
    drop(servers::gangplank(programs, &name(size))?);
    eprintln!("filling a store with {size} blobs and manifests");
    let start = Instant::now();
    fill::fill(&data, size, tags)?;
    eprintln!("filled in {} s", start.elapsed().as_secs());
    Ok(std::fs::write(filled, "")?)
}

fn by_size(programs: &Programs, size: usize, reads: usize, found: &mut Found) -> Result<()> {
    let elapsed = fill::collect(&programs.home.join(name(size)), size)?;
    let collection = Outcome { operations: fill::GARBAGE as u64, elapsed, ..Outcome::default() };
    found.note("collection of 1,000 garbage blobs, by size of store", size, collection);
    let target = servers::gangplank(programs, &name(size))?;
    let head = head_blobs(&target, size);
    found.note("HEAD blob, by size of store", size, ask(&target, CONNECTIONS, reads, head)?);
    let get = get_manifests(&target, size);
    found.note("GET manifest by tag, by size of store", size, ask(&target, CONNECTIONS, reads, get)?);
    let list = list_tags(&target, fill::REPOSITORY);
    found.note("list of 100 tags, by size of store", size, ask(&target, CONNECTIONS, reads / 4, list)?);
    let pushed = small_blobs(&target, fill::REPOSITORY, reads / 10, CONNECTIONS)?;
    found.note("push of a 4 KiB blob, by size of store", size, pushed);
    let put = put_manifest(&target, fill::REPOSITORY, reads / 10, CONNECTIONS)?;
    found.note("PUT of a manifest, by size of store", size, put);
    let registered = register(&target, size, reads / 10)?;
    found.note("RegisterContainerImage, by size of store", size, registered);
    Ok(())
}

fn by_tags_and_connections(programs: &Programs, extent: &Extent, found: &mut Found) -> Result<()> {
    let size = extent.sizes[0];
    let target = servers::gangplank(programs, &name(size))?;
    for count in extent.tags.iter().copied() {
        let list = list_tags(&target, &format!("tags/{count}"));
        found.note("list of 100 tags, by tags", count, ask(&target, CONNECTIONS, extent.reads / 4, list)?);
    }
    for count in extent.connections.iter().copied() {
        let head = head_blobs(&target, size);
        found.note("HEAD blob, by connections", count, ask(&target, count, extent.reads, head)?);
    }
    Ok(())
}

fn list_tags(target: &Target, repository: &str) -> Vec<Vec<u8>> {
    vec![target.head("GET", &format!("/v2/{repository}/tags/list?n=100"), "")]
}

fn table(lines: &[Line]) -> String {
    let head = "| what, by what | at | rate | slowest to fastest | p50 | p99 | server CPU s per 1,000 | peak MiB |\n|---|---|---|---|---|---|---|---|\n";
    let rows = lines.iter().flat_map(|line| {
        line.points.iter().map(|(at, row)| {
            let [rate, p50, p99, cpu, peak] = row.cells();
            let (slowest, fastest) = row.spread;
            let spread = format!("{slowest:.0} to {fastest:.0}");
            format!("| {} | {at} | {rate} | {spread} | {p50} | {p99} | {cpu} | {peak} |\n", line.name)
        })
    });
    format!("{head}{}", rows.collect::<String>())
}

/// Requests HEAD of blobs all over the store.
fn head_blobs(target: &Target, size: usize) -> Vec<Vec<u8>> {
    let numbers = (0..size).step_by(size.div_ceil(fill::WITH_BYTES));
    let digests = numbers.map(|number| sha256(&fill::blob(number)));
    let path = |digest| format!("/v2/{}/blobs/{digest}", fill::REPOSITORY);
    digests.map(|digest| target.head("HEAD", &path(digest), "")).collect()
}

fn get_manifests(target: &Target, size: usize) -> Vec<Vec<u8>> {
    let numbers = (0..size).step_by(size.div_ceil(fill::WITH_BYTES));
    let path = |number| format!("/v2/{}/manifests/m{number}", fill::REPOSITORY);
    numbers.map(|number| target.head("GET", &path(number), "")).collect()
}

fn ask(target: &Target, connections: usize, count: usize, requests: Vec<Vec<u8>>) -> Result<Outcome> {
    let requests = Requests { requests, expected: 200 };
    let (meter, latencies) = drive(target, connections, count, &requests, || Meter::start(target))?;
    Ok(meter.stop(latencies, 0))
}

/// Registers manifests all over the store, few on each service.
fn register(target: &Target, size: usize, count: usize) -> Result<Outcome> {
    let mut connection = Blocking::open(target)?;
    let mut services = Vec::new();
    for _ in 0..count.div_ceil(work::IMAGES_PER_SERVICE) {
        let service = format!("bench-{}", hex::encode(random(6)?));
        let input = json!({ "serviceName": service, "power": "nano", "scale": 1 }).to_string();
        let call = target.call("CreateContainerService", &input, &service).context("no access key")?;
        expect(&connection.ask(&call)?, 200, "CreateContainerService")?;
        services.push(service);
    }
    let run = Duration::as_nanos(&std::time::UNIX_EPOCH.elapsed()?);
    let requests = (0..count).map(|number| {
        let (digest, _) = fill::manifest(number * (size / count).max(1) % size, size);
        let service = &services[number % services.len()];
        let input =
            json!({ "serviceName": service, "label": "app", "digest": digest.to_string() }).to_string();
        target.call("RegisterContainerImage", &input, &format!("{run}-{number}")).context("no access key")
    });
    ask(target, CONNECTIONS, count, requests.collect::<Result<_>>()?)
}
