//! Two jobs of the audit trail. One writes what was counted in memory: refusals, first pulls and uses of
//! logins and keys. The other removes events that are no longer kept.

use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use gangplank_core::EventKind;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};
use crate::app::App;
use crate::refusals::Taken;

/// Writes the refusals, pulls and uses that this process counted.
pub(super) struct Notes(pub(super) Arc<App>);

#[async_trait]
impl Job for Notes {
    async fn round(&mut self, _: &CancellationToken) -> anyhow::Result<Next> {
        note(&self.0, Taken::Due).await;
        Ok(Next::AsListed)
    }

    async fn end(&mut self) {
        note(&self.0, Taken::All).await;
    }
}

/// Removes events beyond the age and the number that are kept.
pub(super) struct Forgetting(pub(super) Arc<App>);

#[async_trait]
impl Job for Forgetting {
    async fn round(&mut self, stop: &CancellationToken) -> anyhow::Result<Next> {
        let app = &self.0;
        // The server records events by the steady time, and commands without a server record them by the wall clock.
        // With the earlier of the two times, no event is removed too soon.
        let before = app.clock.steady().min(app.clock.now()).minus(app.audit.age);
        let forget = || app.metadata.forget_events(before, app.audit.events);
        let failed = "cannot forget old events of the audit trail";
        while !stop.is_cancelled() && forget().await.context(failed)? > 0 {}
        Ok(Next::AsListed)
    }
}

/// Writes the events and uses that were counted in memory. No caller waits for it, so a failure goes to the
/// log. Pulls and uses are then tried again. Refusals are dropped: their number has no bound.
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
