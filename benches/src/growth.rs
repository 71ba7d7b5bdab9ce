//! The same work with more and more in the store, more tags, more connections.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::content::random;
use crate::digest::sha256;
use crate::http::{Blocking, expect};
use crate::load::{Requests, drive};
use crate::meter::{Meter, Outcome};
use crate::report::Row;
use crate::servers::{self, Programs};
use crate::target::Target;
use crate::work::{self, put_manifest, small_blobs};
use crate::{fill, plot};

const CONNECTIONS: usize = 16;

/// One thing measured along one axis.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) points: Vec<(usize, Row)>,
}

/// Measures everything and writes `growth.md` and `growth.svg`.
pub(crate) fn measure(programs: &Programs, quick: bool, out: &Path) -> Result<()> {
    let sizes: &[usize] = if quick { &[1_000, 2_000] } else { &[1_000, 100_000, 1_000_000] };
    let tags: &[usize] = if quick { &[10, 100] } else { &[10, 100, 1_000, 10_000] };
    let connections: &[usize] = if quick { &[1, 10] } else { &[1, 10, 100, 1_000] };
    let reads = if quick { 500 } else { 10_000 };
    let mut lines: Vec<Line> = Vec::new();
    let mut note = |name, at, outcome: Outcome| -> Result<()> {
        let row = Row::median(name, "gangplank", vec![outcome]).context("nothing was measured")?;
        eprintln!("{name}, {at}: {}", row.shown_rate());
        match lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.points.push((at, row)),
            None => lines.push(Line { name, points: vec![(at, row)] }),
        }
        Ok(())
    };
    for (index, size) in sizes.iter().copied().enumerate() {
        let name = format!("growth-{size}");
        // The first start makes the directory and its access key.
        drop(servers::gangplank(programs, &name)?);
        eprintln!("filling the store with {size} blobs and manifests");
        let cycle = fill::fill(&programs.home.join(&name), size, tags)?;
        let done = Outcome { operations: fill::GARBAGE as u64, elapsed: cycle, ..Outcome::default() };
        note("collection of 1,000 garbage blobs, by blobs and manifests in the store", size, done)?;
        let target = servers::gangplank(programs, &name)?;
        let head = head_blobs(&target, size);
        note("HEAD blob, by blobs and manifests", size, ask(&target, CONNECTIONS, reads, head)?)?;
        let get = get_manifests(&target, size);
        note("GET manifest by tag, by blobs and manifests", size, ask(&target, CONNECTIONS, reads, get)?)?;
        let list = vec![target.head("GET", &format!("/v2/{}/tags/list?n=100", fill::REPOSITORY), "")];
        note("list of 100 tags, by blobs and manifests", size, ask(&target, CONNECTIONS, reads / 4, list)?)?;
        let pushed = small_blobs(&target, fill::REPOSITORY, reads / 10)?;
        note("push of a 4 KiB blob, by blobs and manifests", size, pushed)?;
        let put = put_manifest(&target, fill::REPOSITORY, reads / 10, CONNECTIONS)?;
        note("PUT of a manifest, by blobs and manifests", size, put)?;
        let registered = register(&target, size, reads / 10)?;
        note("RegisterContainerImage, by blobs and manifests", size, registered)?;
        if index == 0 {
            for count in tags.iter().copied() {
                let list = vec![target.head("GET", &format!("/v2/tags/{count}/tags/list?n=100"), "")];
                note("list of 100 tags, by tags", count, ask(&target, CONNECTIONS, reads / 4, list)?)?;
            }
            for count in connections.iter().copied() {
                let head = head_blobs(&target, size);
                note("HEAD blob, by connections", count, ask(&target, count, reads, head)?)?;
            }
        }
        drop(target);
        let _ = std::fs::remove_dir_all(programs.home.join(&name));
    }
    let table = table(&lines);
    eprintln!("{table}");
    std::fs::write(out.join("growth.md"), table)?;
    std::fs::write(out.join("growth.svg"), plot::lines(&lines))?;
    Ok(())
}

fn table(lines: &[Line]) -> String {
    let head = "| what, by what | at | rate | p50 | p99 | server CPU s per 1,000 | peak MiB |\n|---|---|---|---|---|---|---|\n";
    let rows = lines.iter().flat_map(|line| {
        line.points.iter().map(|(at, row)| {
            let [rate, p50, p99, cpu, peak] = row.cells();
            format!("| {} | {at} | {rate} | {p50} | {p99} | {cpu} | {peak} |\n", line.name)
        })
    });
    format!("{head}{}", rows.collect::<String>())
}

/// Asks after blobs all over the store.
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
