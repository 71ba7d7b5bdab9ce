//! The loop that runs a job. Each job has its own task.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use gangplank_store::StoreError;
use gangplank_store::coordination::Work;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Listed, Next, Scope};
use crate::coordination::{self, Claims, Held};
use crate::metrics::Metrics;

/// The pause after a failed round or a failed claim, unless the list names a shorter one.
const RETRY: Duration = Duration::from_mins(1);

/// The things that the loop uses in addition to the job.
#[derive(Clone)]
pub(crate) struct Around {
    pub(crate) claims: Arc<Claims>,
    pub(crate) metrics: Arc<Metrics>,
}

/// Runs a job until `stop` is cancelled, or until the job is done.
pub(super) async fn run(listed: Listed, around: Around, stop: CancellationToken) {
    let Listed { name, when, scope, mut job } = listed;
    let retry = when.every.unwrap_or(RETRY).min(RETRY);
    let mut claim = match scope {
        Scope::Process => Claim::NotNeeded,
        Scope::Cluster => Claim::Wanted,
    };
    around.metrics.jobs.listed(name);
    let mut next = Next::In(when.first);
    loop {
        let pause = match next {
            Next::AsListed => when.every,
            Next::In(pause) => Some(pause),
            Next::WhenWoken => None,
            Next::Never => break,
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = job.woken() => {}
            () = sleep(pause) => {}
        }
        if !claim.get(name, &around.claims).await {
            next = Next::In(retry.min(coordination::LASTS));
            continue;
        }
        let began = Instant::now();
        next = match round(job.as_mut(), &claim, &stop).await {
            Ok(next) => {
                around.metrics.jobs.done(name, began.elapsed());
                next
            }
            Err(failed) => {
                around.metrics.jobs.failed(name, began.elapsed());
                failed.tell(name);
                // Another process may succeed.
                claim.give_up();
                Next::In(when.every.unwrap_or(RETRY))
            }
        };
    }
    if AssertUnwindSafe(job.end()).catch_unwind().await.is_err() {
        tracing::error!(job = name, "a job panicked at its end");
    }
}

/// Why a round failed.
enum Failed {
    Error(anyhow::Error),
    Panic,
}

impl Failed {
    fn tell(self, job: &'static str) {
        match self {
            // Somebody has to do something.
            Self::Error(error) if matches!(error.downcast_ref(), Some(StoreError::Unusable(_))) => {
                tracing::error!(
                    job,
                    error = format!("{error:#}"),
                    "a job cannot do its work; it will try again"
                );
            }
            Self::Error(error) => {
                tracing::warn!(job, error = format!("{error:#}"), "a job failed; it will try again");
            }
            // The panic hook has logged the message.
            Self::Panic => tracing::error!(job, "a job panicked; it will try again"),
        }
    }
}

/// Runs one round. It ends early when the claim is lost.
async fn round(job: &mut dyn Job, claim: &Claim, stop: &CancellationToken) -> Result<Next, Failed> {
    let stop = stop.child_token();
    let mut round = pin!(AssertUnwindSafe(job.round(&stop)).catch_unwind());
    let done = tokio::select! {
        done = &mut round => done,
        () = claim.lost() => {
            stop.cancel();
            round.await
        }
    };
    match done {
        Ok(Ok(next)) => Ok(next),
        Ok(Err(error)) => Err(Failed::Error(error)),
        Err(_) => Err(Failed::Panic),
    }
}

/// The claim on a job. It is also held between rounds, because the list sets the number of rounds for all
/// processes together.
enum Claim {
    NotNeeded,
    Wanted,
    Held(Held),
}

impl Claim {
    /// Whether the claim is held, or could be taken now.
    async fn get(&mut self, name: &'static str, claims: &Arc<Claims>) -> bool {
        match self {
            Self::NotNeeded => return true,
            Self::Held(held) if !held.is_lost() => return true,
            _ => *self = Self::Wanted,
        }
        match claims.take(Work::Job(name)).await {
            Ok(Some(held)) => {
                tracing::debug!(job = name, epoch = %held.claim().epoch, "claimed a job");
                *self = Self::Held(held);
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::warn!(job = name, %error, "cannot claim a job; will try again");
                false
            }
        }
    }

    fn give_up(&mut self) {
        if let Self::Held(_) = self {
            *self = Self::Wanted;
        }
    }

    async fn lost(&self) {
        match self {
            Self::Held(held) => held.lost().await,
            _ => std::future::pending().await,
        }
    }
}

async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
