//! Measures all registries with all kinds of work, in one run.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::bucket::Bucket;
use crate::content::RandomFile;
use crate::report::{Conditions, Report};
use crate::servers::{Programs, find};
use crate::target::Target;
use crate::work::{self, Scale, Work};
use crate::{Args, endpoint, limits, meter, page, peers, servers, syncs};

/// How long servers rest before their idle memory is measured. gangplank gives memory back a second after its start.
const REST: Duration = Duration::from_secs(2);

/// Measures, and writes the results. Fails if a request failed.
pub(crate) fn measure(args: &Args, programs: &Programs, scale: &Scale, runs: usize) -> Result<()> {
    let wanted =
        |name: &str| args.only.is_empty() || args.only.iter().any(|word| name.contains(word.as_str()));
    let mut report = Report::new(Conditions { runs, quick: args.quick, words: conditions(args, scale) });
    let names = if args.targets.is_empty() { servers::installed(programs) } else { args.targets.clone() };
    if args.targets.is_empty() {
        for peer in peers::all() {
            report.skipped.extend(peer.missing(programs).map(|reason| format!("{}: {reason}", peer.name)));
        }
    }
    let home = &programs.home;
    let mut file = RandomFile::create(&home.join("blob"), scale.large)?;
    if wanted("limits") {
        crate::say("limits of this machine");
        report.limits = limits::measure(&file, home, runs)?;
    }
    if wanted("cold start") {
        for name in &names {
            report.rows.extend(servers::cold_start(name, programs, runs)?);
        }
    }
    let targets = names.iter().map(|name| Target::open(name, programs)).collect::<Result<Vec<_>>>()?;
    std::thread::sleep(REST);
    for target in &targets {
        report.idle.extend(meter::resident(target).map(|bytes| (target.name.clone(), bytes)));
    }
    let of = |works: Vec<Work>| works.into_iter().filter(|work| wanted(work.name)).collect::<Vec<_>>();
    do_all(&of(work::in_folder()), targets.iter().collect(), scale, &mut file, runs, &mut report);
    if wanted("syncs") {
        syncs::count(&targets, home, &mut report)?;
    }
    report.peaks = targets.iter().filter_map(|t| Some((t.name.clone(), meter::highest(t)?))).collect();
    drop(targets);
    let in_bucket = of(work::in_bucket());
    if !in_bucket.is_empty() {
        match find("versitygw", args.versitygw.parent()) {
            Some(program) => {
                let bucket = Bucket::start(&program, &home.join("s3"))?;
                let open = |name: &String| Target::open_in(name, programs, &bucket);
                let targets = names.iter().filter_map(open).collect::<Result<Vec<_>>>()?;
                do_all(&in_bucket, targets.iter().collect(), scale, &mut file, runs, &mut report);
            }
            None => report.skipped.push("bucket: the S3 server versitygw is not installed".to_owned()),
        }
    }
    if wanted(endpoint::GET) && !args.tls && names.iter().any(|name| name == "gangplank") {
        endpoint::measure(args.endpoint.as_deref(), home, scale, runs, &mut report)?;
    }
    report.write(&args.out)?;
    if let Some(path) = &args.page {
        page::replace(path, if args.tls { "results over TLS" } else { "results" }, &report.section()?)?;
        if !args.tls {
            page::put_beside(path, &args.out.join("results.svg"))?;
        }
    }
    eprintln!("results are in {}", args.out.display());
    ensure!(report.failures.is_empty(), "some of the work could not be measured");
    Ok(())
}

/// Does each kind of work on each target, in turns.
fn do_all(
    works: &[Work],
    targets: Vec<&Target>,
    scale: &Scale,
    file: &mut RandomFile,
    runs: usize,
    report: &mut Report,
) {
    for work in works {
        if let Some(program) = work.missing() {
            report.skipped.push(format!("{}: {program} is not installed", work.name));
            continue;
        }
        let suited: Vec<&Target> = targets.iter().copied().filter(|target| work.suits(target)).collect();
        report.measure(work.name, &suited, runs, |target| {
            file.renew()?;
            (work.run)(target, scale, file)
        });
    }
}

/// The conditions of a run, for readers.
fn conditions(args: &Args, scale: &Scale) -> String {
    let protocol = if args.tls { "TLS" } else { "Plain HTTP" };
    let places = args
        .server_cpus
        .as_ref()
        .map_or(String::new(), |list| format!(" Servers ran on processors {list}, the load on all others."));
    format!(
        "{protocol} on loopback, a large blob of {} MiB, {} connections where many are used.{places}",
        scale.large >> 20,
        scale.connections,
    )
}
