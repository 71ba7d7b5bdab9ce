//! Background work of the server: a list of jobs, and one loop ([`rounds`]) that runs each of them.

pub(crate) mod audit;
mod certificates;
pub(crate) mod collection;
mod comparison;
mod discarded;
mod expiry;
pub(crate) mod job;
pub(crate) mod leftovers;
pub(crate) mod marks;
pub(crate) mod observations;
pub(crate) mod orphans;
mod parts;
mod private;
mod rounds;
mod scrub;
mod steady_time;
mod suspects;
mod sweep;
pub(crate) mod usage;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gangplank_store::blobs::Staged;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::deployments::{idle, pace::Pace, supervisor};
use job::Scope::{Cluster, Process};
use job::{Listed, When};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// The settings of the jobs.
pub(crate) struct Terms<'a> {
    /// The pause between two cycles of garbage collection.
    pub(crate) collection: Duration,
    /// The time in which the scrub reads all content once; `None` turns it off.
    pub(crate) scrub: Option<Duration>,
    /// The pauses of the deployer.
    pub(crate) pace: Pace,
    /// The data directory of this process, if it has one.
    pub(crate) data_dir: Option<&'a Path>,
    /// The staged bytes of interrupted uploads.
    pub(crate) leftovers: Vec<Staged>,
    /// Whether the run before this one crashed.
    pub(crate) crashed: bool,
}

/// Starts all jobs. Each ends when `stop` is cancelled.
pub(crate) fn start(app: &Arc<App>, terms: Terms<'_>, stop: &CancellationToken) -> Vec<JoinHandle<()>> {
    let around = rounds::Around { claims: Arc::clone(&app.claims), metrics: Arc::clone(&app.metrics) };
    let run = |listed| tokio::spawn(rounds::run(listed, around.clone(), stop.clone()));
    list(app, terms, stop).into_iter().map(run).collect()
}

/// The list of jobs: each with its name, its times and its scope.
fn list(app: &Arc<App>, terms: Terms<'_>, stop: &CancellationToken) -> Vec<Listed> {
    let Terms { collection, scrub, pace, data_dir, leftovers, crashed } = terms;
    let of = || Arc::clone(app);
    let expiry = expiry::every(app.limits.upload);
    let mut list = vec![
        Listed::new("notes", When::every(SECOND), Process, audit::Notes(of())),
        Listed::new("audit", When { first: SECOND, every: Some(MINUTE) }, Cluster, audit::Forgetting(of())),
        Listed::new("marks", When::at_once_and_every(MINUTE), Cluster, marks::Keeping(of())),
        Listed::new("points", When::every(10 * MINUTE), Cluster, observations::ForgettingPoints(of())),
        Listed::new("logs", When::every(10 * MINUTE), Process, observations::ForgettingLogs(of())),
        Listed::new("collection", When::every(collection), Cluster, collection::Collecting(of())),
        Listed::new("discarded", When::at_once_and_every(30 * SECOND), Cluster, discarded::Removing(of())),
        Listed::new("expiry", When::at_once_and_every(expiry), Cluster, expiry::Ending(of())),
        Listed::new("addresses", When::every(expiry), Process, expiry::ForgettingAddresses(of())),
        Listed::new("leftovers", When::at_once(), Process, leftovers::Removing { app: of(), leftovers }),
    ];
    if let Some(dir) = data_dir {
        list.push(Listed::new("private", When::at_once(), Process, private::Closing::of(dir)));
    }
    if let Some(cluster) = app.clock.cluster() {
        let job = steady_time::Advancing::of(cluster);
        list.push(Listed::new("steady-time", When::at_once_and_every(steady_time::EVERY), Cluster, job));
    }
    if !app.blobs.settles_after().is_zero() {
        let when = When::at_once_and_every(MINUTE);
        list.push(Listed::new("sweep", when, Cluster, sweep::Sweep { app: of() }));
        list.push(Listed::new("comparison", when, Cluster, comparison::Comparison::of(app)));
    } else if crashed {
        list.push(Listed::new("orphans", When::at_once(), Process, orphans::Searching::of(app)));
    }
    if let Some(interval) = scrub {
        let (when, job) = (When::after(scrub::first(interval)), scrub::Scrub::within(interval, app));
        list.push(Listed::new("scrub", when, Cluster, job));
    }
    if !app.certificates.is_empty() {
        let job = certificates::Reloading(Arc::clone(&app.certificates));
        list.push(Listed::new("certificates", When::every(3 * SECOND), Process, job));
    }
    // The supervisor claims each service by itself, so the job needs no claim.
    match app.deployer.engine() {
        Some(engine) => {
            let job = supervisor::Supervisor::of(engine, app, pace, stop);
            list.push(Listed::new("deployments", When::at_once_and_every(pace.look), Process, job));
            list.push(Listed::new(
                "usage",
                When::every(usage::LOOK),
                Process,
                usage::Measure::of(engine, app),
            ));
        }
        None => list.push(match idle::Following::of(app) {
            Some(job) => Listed::new("deployments", When::at_once(), Process, job),
            None => Listed::new("deployments", When::at_once(), Process, idle::Idle::of(app)),
        }),
    }
    list
}
