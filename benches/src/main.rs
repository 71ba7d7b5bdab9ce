//! Measures container registries: the same load for each, in one run, together with the limits of the machine.
//!
//! `cargo run --release -p gangplank-bench -- --help`

mod content;
mod digest;
mod engine;
mod fill;
mod growth;
mod hostile;
mod http;
mod limits;
mod load;
mod meter;
mod peers;
mod plot;
mod replicas;
mod report;
mod servers;
mod syncs;
mod target;
mod work;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Parser;

use crate::content::RandomFile;
use crate::report::{Report, Row};
use crate::target::Target;
use crate::work::{Scale, Work};

/// Measures registries with the same load, in one run, together with the limits of the machine.
///
/// A target is `gangplank` (started here, with its own logins), `distribution` (`docker-registry`) or `nora` (both
/// started here without authentication), or `NAME=URL[,pid=N]` for a running one:
/// `mine=http://USER:PASSWORD@127.0.0.1:5000,pid=4711`. Only plain HTTP is supported.
#[expect(clippy::struct_excessive_bools, reason = "each is an option by itself")]
#[derive(Debug, Parser)]
struct Args {
    /// The targets; default: gangplank, and the others if they are installed
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// Small and short, to check that everything runs; the figures have no meaning
    #[arg(long)]
    quick: bool,
    /// The number of runs of each work; the median is shown
    #[arg(long, value_name = "N")]
    runs: Option<usize>,
    /// Measure only work with one of these words in its name
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    only: Vec<String>,
    /// The folder for results: results.md, results.svg, results.json
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    out: PathBuf,
    /// The folder for data of servers and the benchmark, on the disk to be measured
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    data: PathBuf,
    /// Measure only gangplank, with 1,000 to 1,000,000 blobs and manifests in the store
    #[arg(long)]
    growth: bool,
    /// With --growth: keep the filled stores in the data directory, and use those that exist
    #[arg(long, requires = "growth")]
    keep: bool,
    /// Measure only what others notice of an attack on gangplank
    #[arg(long, conflicts_with = "growth")]
    hostile: bool,
    /// Measure only how gangplank grows with replicas on one PostgreSQL and one bucket
    #[arg(long, conflicts_with_all = ["growth", "hostile"])]
    replicas: bool,
    /// The folder with PostgreSQL's programs, for --replicas
    #[arg(long, value_name = "DIR", default_value = "/usr/lib/postgresql/15/bin")]
    postgres: PathBuf,
    /// The program of the S3 server versitygw, for --replicas
    #[arg(long, value_name = "PROGRAM", default_value = "versitygw")]
    versitygw: PathBuf,
    /// Attack a server until standard input ends
    #[arg(long, hide = true, value_name = "WHAT")]
    attack: Option<String>,
    /// The gangplank program to start
    #[arg(long, value_name = "PROGRAM", default_value = "target/release/gangplank")]
    gangplank: PathBuf,
    /// MiB of the large blob
    #[arg(long, value_name = "MIB")]
    blob_size: Option<u64>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(attack) = &args.attack {
        return hostile::attack::run(attack);
    }
    let mut scale = if args.quick { Scale::QUICK } else { Scale::FULL };
    if let Some(mib) = args.blob_size {
        scale.large = mib << 20;
    }
    let runs = args.runs.unwrap_or(if args.quick { 1 } else { 3 }).max(1);
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    std::fs::create_dir_all(&args.data).with_context(|| format!("cannot make {}", args.data.display()))?;
    let home = tempfile::Builder::new().prefix("data-").tempdir_in(&args.data)?;
    let mut programs = servers::Programs { gangplank: args.gangplank.clone(), home: home.path().to_owned() };
    if args.growth {
        if args.keep {
            programs.home.clone_from(&args.data);
        }
        return growth::measure(&programs, args.quick, runs, &args.out);
    }
    if args.hostile {
        return hostile::measure(&programs, args.quick, runs, &args.out);
    }
    if args.replicas {
        let shared = replicas::Shared { postgres: args.postgres.clone(), versitygw: args.versitygw.clone() };
        return replicas::measure(&programs, &shared, args.quick, args.runs.unwrap_or(1).max(1), &args.out);
    }
    let names = if args.targets.is_empty() { servers::installed(&programs) } else { args.targets.clone() };
    let mut file = RandomFile::create(&home.path().join("blob"), scale.large)?;

    let wanted =
        |name: &str| args.only.is_empty() || args.only.iter().any(|word| name.contains(word.as_str()));
    let mut report = Report::new(runs, args.quick);
    if wanted("limits") {
        say("limits of this machine");
        report.limits = limits::measure(&file, home.path(), runs)?;
    }
    if wanted("cold start") {
        for name in &names {
            if let Some(row) = servers::cold_start(name, &programs, runs)? {
                report.rows.push(row);
            }
        }
    }
    let works: Vec<Work> = work::all().into_iter().filter(|work| wanted(work.name)).collect();
    let targets = names.iter().map(|name| Target::open(name, &programs)).collect::<Result<Vec<_>>>()?;
    for target in &targets {
        report.idle.extend(meter::resident(target).map(|bytes| (target.name.clone(), bytes)));
    }
    for work in &works {
        if let Some(program) = work.missing() {
            report.skipped.push(format!("{}: {program} is not installed", work.name));
            continue;
        }
        for target in targets.iter().filter(|target| work.suits(target)) {
            let mut outcomes = Vec::new();
            for _ in 0..runs {
                file.renew()?;
                match (work.run)(target, &scale, &file) {
                    Ok(Some(outcome)) => outcomes.push(outcome),
                    Ok(None) => break,
                    Err(error) => {
                        eprintln!("  {error:#}");
                        report.failures.push(format!("{} on {}: {error:#}", work.name, target.name));
                        break;
                    }
                }
            }
            let row = Row::median(work.name, &target.name, outcomes);
            let rate = row.as_ref().map_or("not measured".to_owned(), Row::shown_rate);
            say(&format!("{}: {} {rate}", work.name, target.name));
            report.rows.extend(row);
        }
    }
    if wanted("syncs") {
        syncs::count(&targets, home.path(), &mut report)?;
    }
    report.peaks = targets.iter().filter_map(|t| Some((t.name.clone(), meter::highest(t)?))).collect();
    report.write(&args.out)?;
    eprintln!("results are in {}", args.out.display());
    anyhow::ensure!(report.failures.is_empty(), "some of the work could not be measured");
    Ok(())
}

/// Reports the current measurement, apart from results.
fn say(what: &str) {
    eprintln!("{what}");
}
