//! The audit trail: writes what was counted in memory, refusals, first pulls and uses of logins, and forgets what need
//! not be held any more.

use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use gangplank_core::EventKind;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};
use crate::app::App;
use crate::refusals::Taken;

/// Writes what this process counted.
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

/// Forgets old events.
pub(super) struct Forgetting(pub(super) Arc<App>);

#[async_trait]
impl Job for Forgetting {
    async fn round(&mut self, stop: &CancellationToken) -> anyhow::Result<Next> {
        let app = &self.0;
        // Events are noted by the wall clock. Where that is ahead of the steady time, it may have jumped.
        let before = app.clock.steady().min(app.clock.now()).minus(app.audit.age);
        let forget = || app.metadata.forget_events(before, app.audit.events);
        let failed = "cannot forget old events of the audit trail";
        while !stop.is_cancelled() && forget().await.context(failed)? > 0 {}
        Ok(Next::AsListed)
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
