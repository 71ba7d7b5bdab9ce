//! Ends idle upload sessions, and removes the rows of logins and sessions that ended long ago.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use gangplank_core::upload::Lifetime;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};
use crate::app::App;

const EVERY: Duration = Duration::from_mins(1);
const OFTEN: Duration = Duration::from_secs(1);

/// How long the row of an ended login stays. Until then its holder is told that it expired.
const REMEMBER_LOGINS: Duration = Duration::from_hours(7 * 24);

/// How long the row of an ended role session stays.
const REMEMBER_SESSIONS: Duration = Duration::from_hours(24);

/// How long the rows of ended console logins and of links to the console stay. The time is short, since the
/// console does not say why a login is over.
const REMEMBER_CONSOLE_LOGINS: Duration = Duration::from_mins(10);

pub(super) struct Ending(pub(super) Arc<App>);

#[async_trait]
impl Job for Ending {
    async fn round(&mut self, _: &CancellationToken) -> anyhow::Result<Next> {
        expire(&self.0).await.context("cannot end stale uploads or logins")?;
        Ok(Next::AsListed)
    }
}

/// The time between two rounds: the shorter lifetime of an upload session, within bounds.
pub(super) fn every(upload: Lifetime) -> Duration {
    upload.idle.min(upload.absolute).clamp(OFTEN, EVERY)
}

/// Forgets addresses whose last failed login is long ago.
pub(super) struct ForgettingAddresses(pub(super) Arc<App>);

#[async_trait]
impl Job for ForgettingAddresses {
    async fn round(&mut self, _: &CancellationToken) -> anyhow::Result<Next> {
        self.0.failed_logins.forget_idle();
        self.0.failed_exchanges.forget_idle();
        Ok(Next::AsListed)
    }
}

async fn expire(app: &App) -> gangplank_store::Result<()> {
    let now = app.clock.steady();
    let upload = app.limits.upload;
    let (idle, opened) = (now.minus(upload.idle), now.minus(upload.absolute));
    if app.metadata.close_stale_uploads(idle, opened).await? > 0 {
        app.discarded.notify_one();
    }
    // Logins end by the wall clock. A wall clock that is ahead of the steady time may have jumped. So the earlier of
    // the two times is used: it removes too little, never too much.
    let ended = now.min(app.clock.now()).minus(REMEMBER_LOGINS);
    while app.metadata.forget_logins(ended).await? > 0 {}
    let ended = now.min(app.clock.now()).minus(REMEMBER_SESSIONS);
    while app.metadata.forget_sessions(ended).await? > 0 {}
    let ended = app.clock.now().minus(REMEMBER_CONSOLE_LOGINS);
    while app.metadata.forget_console_logins(ended).await? > 0 {}
    Ok(())
}
