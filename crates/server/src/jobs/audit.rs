//! Writes what was counted in memory, refusals, first pulls and uses of logins, and forgets what the audit trail need
//! not hold any more.

use std::sync::Arc;
use std::time::Duration;

use gangplank_core::EventKind;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::refusals::Taken;

/// How soon something is written.
const SOON: Duration = Duration::from_secs(1);

/// How often old events are looked for.
const FORGET_EVERY: Duration = Duration::from_mins(1);

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

/// Writes what was counted in memory. Nobody waits for it: the log tells of what cannot be written, and it is tried
/// again, but for refusals, of which there may be any number.
pub(crate) async fn note(app: &App, which: Taken) {
    let (refused, pulls) = (app.refusals.take(app.clock.steady(), which), app.pulls.take());
    let events: Vec<_> = refused.into_iter().chain(pulls).collect();
    if !events.is_empty()
        && let Err(error) = app.metadata.note(events.clone()).await
    {
        tracing::warn!(%error, "cannot note refusals and pulls in the audit trail");
        app.pulls.put_back(events.into_iter().filter(|event| event.kind == EventKind::ImagePulled));
    }
    note_use(app, which).await;
}

/// Writes when logins were last used.
pub(crate) async fn note_use(app: &App, which: Taken) {
    let used = app.login_use.take(app.clock.steady(), which);
    if !used.is_empty()
        && let Err(error) = app.metadata.note_use(used.clone()).await
    {
        tracing::warn!(%error, "cannot note when logins were used");
        app.login_use.put_back(&used);
    }
    note_key_use(app, which).await;
}

/// Writes when access keys were last used.
pub(crate) async fn note_key_use(app: &App, which: Taken) {
    let used = app.key_use.take(app.clock.steady(), which);
    if !used.is_empty()
        && let Err(error) = app.metadata.note_key_use(used.clone()).await
    {
        tracing::warn!(%error, "cannot note when access keys were used");
        app.key_use.put_back(&used);
    }
}

async fn forget(app: &App, stop: &CancellationToken) -> gangplank_store::Result<()> {
    // Events are noted by the wall clock. Where that is ahead of the steady time, it may have jumped.
    let before = app.clock.steady().min(app.clock.now()).minus(app.audit.age);
    while !stop.is_cancelled() && app.metadata.forget_events(before, app.audit.events).await? > 0 {}
    Ok(())
}
