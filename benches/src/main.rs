//! Measures container registries: the same load for each, in one run, together with the limits of the machine.
//!
//! `cargo run --release -p gangplank-bench -- --help`

mod bucket;
mod content;
mod cpus;
mod digest;
mod endpoint;
mod engine;
mod fill;
mod growth;
mod hostile;
mod http;
mod limits;
mod load;
mod meter;
mod page;
mod peers;
mod plot;
mod registries;
mod replicas;
mod report;
mod servers;
mod stream;
mod syncs;
mod tables;
mod target;
mod tls;
mod work;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Parser;

use crate::work::Scale;

/// Measures registries with the same load, in one run, together with the limits of the machine.
///
/// A target is `gangplank` (started here, with its own logins), or one of `distribution-2` (`docker-registry`),
/// `distribution-3` (`registry`), `zot` and `nora` (started here without authentication), or `NAME=URL[,pid=N]` for a
/// running one: `mine=http://USER:PASSWORD@127.0.0.1:5000,pid=4711`. A running one speaks plain HTTP.
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
    /// The program of the S3 server versitygw, for content in a bucket
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
    /// A folder with programs of other registries, besides those on the path
    #[arg(long, value_name = "DIR", default_value = "target/peers")]
    peers: PathBuf,
    /// Let the servers serve TLS; those that cannot are left out
    #[arg(long, conflicts_with_all = ["growth", "hostile", "replicas"])]
    tls: bool,
    /// Connections for work that uses many; default: 16
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    connections: Option<u16>,
    /// Processors for servers, such as 0 or 0-3; the load gets all others
    #[arg(long, value_name = "LIST")]
    server_cpus: Option<String>,
    /// The test program of the crate gangplank-server, which runs the endpoint as a proxy
    #[arg(long, value_name = "PROGRAM")]
    endpoint: Option<PathBuf>,
    /// A page of the manual: the run replaces its section of results, and its picture
    #[arg(long, value_name = "FILE", conflicts_with_all = ["hostile", "replicas"])]
    page: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(attack) = &args.attack {
        return hostile::attack::run(attack);
    }
    if let Some(list) = &args.server_cpus {
        cpus::separate(list)?;
    }
    let mut scale = if args.quick { Scale::QUICK } else { Scale::FULL };
    if let Some(mib) = args.blob_size {
        scale.large = mib << 20;
    }
    if let Some(connections) = args.connections {
        scale.connections = connections.into();
    }
    let runs = args.runs.unwrap_or(if args.quick { 1 } else { 3 }).max(1);
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    std::fs::create_dir_all(&args.data).with_context(|| format!("cannot make {}", args.data.display()))?;
    let home = tempfile::Builder::new().prefix("data-").tempdir_in(&args.data)?;
    let mut programs = servers::Programs {
        gangplank: args.gangplank.clone(),
        peers: Some(args.peers.clone()),
        tls: args.tls.then(|| tls::Tls::make(home.path())).transpose()?,
        home: home.path().to_owned(),
    };
    if args.growth {
        if args.keep {
            programs.home.clone_from(&args.data);
        }
        return growth::measure(&programs, args.quick, runs, &args.out, args.page.as_deref());
    }
    if args.hostile {
        return hostile::measure(&programs, args.quick, runs, &args.out);
    }
    if args.replicas {
        let shared = replicas::Shared { postgres: args.postgres.clone(), versitygw: args.versitygw.clone() };
        return replicas::measure(&programs, &shared, args.quick, args.runs.unwrap_or(1).max(1), &args.out);
    }
    registries::measure(&args, &programs, &scale, runs)
}

/// Reports the current measurement, apart from results.
fn say(what: &str) {
    eprintln!("{what}");
}
