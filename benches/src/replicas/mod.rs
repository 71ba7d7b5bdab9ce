//! Measures how gangplank grows with replicas on one PostgreSQL and one bucket.
//!
//! Replicas, PostgreSQL, the S3 server and the clients share the processors of one machine, so the throughput there
//! says little about replicas on separate machines. Two other things do: the processor time of each part for
//! the same operations, and the throughput where everybody waits most of the time, because each answer of
//! PostgreSQL and of the S3 server arrives late.

mod fleet;
mod found;
mod locks;
mod part;
mod postgres;
mod relay;
mod rounds;
mod spent;
mod table;
mod work;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::runtime::Runtime;

use crate::bucket::Bucket;
use crate::servers::Programs;
use fleet::{Account, Fleet, Place};
use found::Found;
use locks::Watch;
use part::Part;
use postgres::Postgres;
use relay::Relay;
use spent::Spent;

/// The numbers of replicas.
const COUNTS: [usize; 3] = [1, 2, 3];

/// How many milliseconds late each answer arrives in the second part.
const DELAY_IN_MS: u64 = 5;

/// The clients in the first part, whatever the number of replicas.
const CLIENTS: usize = 12;

/// The clients of each replica in the second part.
const CLIENTS_OF_EACH: usize = 8;

/// Operations before the time begins: they open the connections of each replica.
const FIRST: usize = 100;

/// The programs that replicas share.
pub(crate) struct Shared {
    /// The folder of PostgreSQL's programs.
    pub(crate) postgres: PathBuf,
    /// The program of the S3 server.
    pub(crate) versitygw: PathBuf,
}

/// The amount of work.
struct Extent {
    /// The number of operations of each kind, in the first part.
    each: usize,
    /// The time for each kind, and for all kinds in turn, in the second part.
    late: Duration,
}

const QUICK: Extent = Extent { each: 100, late: Duration::from_secs(1) };
const FULL: Extent = Extent { each: 2_000, late: Duration::from_secs(4) };

/// A replica with late answers does fewer operations than this in a second.
const MOST: usize = 800;

/// A server of each kind, for all replicas.
struct Servers<'a> {
    programs: &'a Programs,
    postgres: Postgres,
    bucket: Bucket,
    /// For the clients.
    runtime: Runtime,
}

/// Measures, writes `replicas.md`, and fails if a request failed, or two images have the same name.
pub(crate) fn measure(
    programs: &Programs,
    shared: &Shared,
    quick: bool,
    runs: usize,
    out: &Path,
) -> Result<()> {
    let extent = if quick { QUICK } else { FULL };
    // PostgreSQL may run as another user, and has to reach its folder.
    fs::set_permissions(&programs.home, Permissions::from_mode(0o711))?;
    let servers = Servers {
        programs,
        postgres: Postgres::start(&shared.postgres, programs.home.join("postgres"))?,
        bucket: Bucket::start(&shared.versitygw, &programs.home.join("s3"))?,
        runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
    };
    let mut found = Found::default();
    for run in 1..=runs {
        for part in Part::ALL {
            for count in COUNTS {
                crate::say(&format!("run {run} of {runs}: {}, {count} replica(s)", part.name()));
                servers.measure(part, count, run, &extent, &mut found)?;
            }
        }
    }
    let text = table::table(&found, quick, runs)?;
    eprintln!("{text}");
    fs::write(out.join("replicas.md"), text)?;
    ensure!(found.rows.iter().all(|row| row.done.failures.is_empty()), "some requests failed");
    ensure!(found.rows.iter().all(|row| row.done.twice() == 0), "two images have the same name");
    Ok(())
}

impl Servers<'_> {
    /// Measures one part with new replicas.
    fn measure(
        &self,
        part: Part,
        count: usize,
        run: usize,
        extent: &Extent,
        found: &mut Found,
    ) -> Result<()> {
        let name = part.database(count, run);
        self.postgres.query("postgres", &format!("CREATE DATABASE {name}"))?;
        let relays = [Relay::before(self.postgres.port())?, Relay::before(self.bucket.port())?];
        let [database, bucket] = match part {
            Part::Cost => [self.postgres.port(), self.bucket.port()],
            _ => relays.each_ref().map(Relay::port),
        };
        let fleet =
            Fleet::start(self.programs, &Place { name: &name, database, bucket }, count, part.accounts())?;
        let accounts: Vec<&Account> = fleet.accounts.iter().collect();
        if part == Part::Cost {
            found.first_ready.extend(fleet.ready.first());
            found.ready.extend(fleet.ready.iter().skip(1));
            found.idle.extend(&fleet.idle);
        }
        let clients = if part == Part::Cost { CLIENTS } else { CLIENTS_OF_EACH * count };
        let first = work::prepare_mixed(&accounts, FIRST * count)?;
        let all = rounds::drive(&fleet.replicas, clients, &first, Duration::MAX, || ());
        let ((), done) = self.runtime.block_on(all)?;
        ensure!(done.failures.is_empty(), "a request before the measurement failed: {}", done.failures[0]);
        let watch = Watch::start(&self.postgres, &name)?;
        let (number, time, delay) = match part {
            Part::Cost => (extent.each, Duration::MAX, 0),
            _ => (usize::try_from(extent.late.as_secs())? * MOST * count, extent.late, DELAY_IN_MS),
        };
        for kind in part.kinds().iter().copied() {
            let actions = match kind {
                Some(kind) => work::prepare(&accounts, kind, number)?,
                None => work::prepare_mixed(&accounts, number)?,
            };
            for relay in &relays {
                relay.delay(delay);
            }
            watch.look();
            let now = || Spent::now(self, &fleet, watch.pid);
            let work = rounds::drive(&fleet.replicas, clients, &actions, time, now);
            let (before, done) = self.runtime.block_on(work)?;
            found.note(part, count, kind, done, now().since(&before));
            watch.rest();
            for relay in &relays {
                relay.delay(0);
            }
        }
        let seen = watch.stop()?;
        let sql = format!("SELECT deadlocks FROM pg_stat_database WHERE datname = '{name}'");
        let deadlocks = self.postgres.query("postgres", &sql)?.parse()?;
        found.note_beside(part, count, &seen, deadlocks);
        Ok(())
    }
}
