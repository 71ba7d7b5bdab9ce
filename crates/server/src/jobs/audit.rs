//! Writes what was counted in memory, refusals, first pulls and uses of logins, and forgets what the audit trail need
//! not hold any more.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::refusals::Taken;

/// How soon something is written.
const SOON: Duration = Duration::from_secs(1);

/// How often old events are looked for.
const FORGET_EVERY: Duration = Duration::from_mins(10);

pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut forget_at = Instant::now();
    loop {
        let stopping = tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(SOON) => false,
        };
        note(&app, if stopping { Taken::All } else { Taken::Due }).await;
        if stopping {
            return;
        }
        if Instant::now() >= forget_at {
            forget_at = Instant::now() + FORGET_EVERY;
            if let Err(error) = forget(&app, &stop).await {
                tracing::warn!(%error, "cannot forget old events of the audit trail; will try again");
            }
        }
    }
}

/// Writes what was counted in memory. Of what cannot be written the log tells, and nobody waits for it.
pub(crate) async fn note(app: &App, which: Taken) {
    let now = app.clock.steady();
    let mut events = app.refusals.take(now, which);
    events.append(&mut app.pulls.take());
    if !events.is_empty()
        && let Err(error) = app.metadata.note(events).await
    {
        tracing::warn!(%error, "cannot note refusals and pulls in the audit trail");
    }
    let used = app.login_use.take(now, which);
    if !used.is_empty()
        && let Err(error) = app.metadata.note_use(used).await
    {
        tracing::warn!(%error, "cannot note when logins were used");
    }
}

async fn forget(app: &App, stop: &CancellationToken) -> gangplank_store::Result<()> {
    // Events are noted by the wall clock. Where that is ahead of the steady time, it may have jumped.
    let before = app.clock.steady().min(app.clock.now()).minus(app.audit.age);
    while !stop.is_cancelled() && app.metadata.forget_events(before, app.audit.events).await? > 0 {}
    Ok(())
}
