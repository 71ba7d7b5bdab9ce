//! What the server does by itself, beside requests.

pub(crate) mod audit;
pub(crate) mod certificates;
pub(crate) mod collection;
pub(crate) mod discarded;
pub(crate) mod expiry;
pub(crate) mod leftovers;
pub(crate) mod marks;
pub(crate) mod observations;
pub(crate) mod orphans;
pub(crate) mod private;
pub(crate) mod scrub;
pub(crate) mod usage;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gangplank_store::blobs::ContentKey;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// How long the jobs rest for which the operator chooses it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pauses {
    /// From one cycle of garbage collection to the next.
    pub(crate) collection: Duration,
    /// Within how long all content is read again; never if `None`.
    pub(crate) scrub: Option<Duration>,
}

/// Starts the jobs of every server, each of which ends at `stop`.
pub(crate) fn start(
    app: &Arc<App>,
    pauses: Pauses,
    data_dir: &Path,
    leftovers: Vec<ContentKey>,
    stop: &CancellationToken,
) -> Vec<JoinHandle<()>> {
    let mut tasks = vec![
        tokio::spawn(audit::run(Arc::clone(app), stop.clone())),
        tokio::spawn(marks::run(Arc::clone(app), stop.clone())),
        tokio::spawn(observations::run(Arc::clone(app), stop.clone())),
        tokio::spawn(collection::run(Arc::clone(app), pauses.collection, stop.clone())),
        tokio::spawn(expiry::run(Arc::clone(app), stop.clone())),
        tokio::spawn(discarded::run(Arc::clone(app), stop.clone())),
        tokio::spawn(private::run(data_dir.to_owned(), stop.clone())),
        tokio::spawn(leftovers::remove(Arc::clone(app), leftovers)),
        tokio::spawn(scrub::run(Arc::clone(app), pauses.scrub, stop.clone())),
    ];
    tasks.extend(usage::start(app, stop));
    tasks
}
