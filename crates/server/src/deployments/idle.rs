//! Services on a server without an engine. If no other server uses its store, their deployments and changes
//! end. Otherwise other servers may run them, and visitors are led there.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use gangplank_store::metadata::deployments::DeployedService;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::images::{end_logins_of_earlier_runs, origin};
use super::others::Others;
use super::publish::hosts;
use crate::app::App;
use crate::endpoint::routes::Route;
use crate::jobs::job::{Job, Next};

/// The reason of failure of a deployment that an earlier run began.
const NO_ENGINE: &str = "the server was started without a container engine";

/// How often a server looks where services run, if nothing tells it that this has changed.
const OTHERS: Duration = Duration::from_secs(5);

/// Ends deployments and changes of an earlier run, and sets the routes of services.
pub(crate) struct Idle {
    app: Arc<App>,
    has_begun: bool,
}

impl Idle {
    pub(crate) fn of(app: &Arc<App>) -> Self {
        Self { app: Arc::clone(app), has_begun: false }
    }
}

#[async_trait]
impl Job for Idle {
    async fn round(&mut self, _: &CancellationToken) -> anyhow::Result<Next> {
        let app = &self.app;
        if !std::mem::replace(&mut self.has_begun, true) {
            end_logins_of_earlier_runs(app).await;
        }
        for service in app.deployer.take().0 {
            // The loop below sets the routes of services that still exist.
            app.routes.remove(service);
        }
        for of in services(app).await? {
            let route = if of.service.is_disabled { Route::Disabled } else { Route::NoEndpoint };
            app.routes.set(of.service.id, hosts(app, &of), route);
            end(app, &of).await;
        }
        Ok(Next::WhenWoken)
    }

    async fn woken(&mut self) {
        self.app.deployer.is_woken().await;
    }
}

/// Leads visitors to the servers that run services.
pub(crate) struct Following {
    app: Arc<App>,
    others: Others,
    changes: watch::Receiver<i64>,
}

impl Following {
    /// `None` if no other server uses the store.
    pub(crate) fn of(app: &Arc<App>) -> Option<Self> {
        let changes = app.deployer.among()?.places.changes();
        Some(Self { app: Arc::clone(app), others: Others::of(app), changes })
    }
}

#[async_trait]
impl Job for Following {
    async fn round(&mut self, _: &CancellationToken) -> anyhow::Result<Next> {
        let app = &self.app;
        let Some(among) = app.deployer.among() else { return Ok(Next::Never) };
        app.deployer.take();
        let known = among.look().await.context("cannot look where services run")?;
        let services = services(app).await?;
        self.others.lead(&services, |_| false);
        if known.replicas.is_empty() {
            let is_late = |of: &&DeployedService| {
                of.rollout.as_ref().is_none_or(|rollout| rollout.deadline < app.clock.steady())
            };
            for of in services.iter().filter(is_late) {
                end(app, of).await;
            }
        }
        Ok(Next::In(OTHERS))
    }

    async fn woken(&mut self) {
        tokio::select! {
            () = self.app.deployer.is_woken() => {}
            Ok(()) = self.changes.changed() => {}
        }
    }
}

async fn services(app: &App) -> anyhow::Result<Vec<DeployedService>> {
    let all = app.metadata.services_to_run().await.context("cannot look which services were to run")?;
    for (service, error) in all.unreadable {
        tracing::error!(service = service.0, %error, "a service cannot be read");
    }
    Ok(all.services)
}

/// Ends the deployment and the change of a service that no server runs.
async fn end(app: &App, of: &DeployedService) {
    let service = of.service.id;
    let ended = async {
        if let Some(next) = &of.next {
            app.metadata.fail_deployment(&origin(app), service, next.version, NO_ENGINE).await?;
        }
        if of.service.is_updating {
            app.metadata.settle_service(service, of.service.changes).await?;
        }
        Ok::<(), gangplank_store::StoreError>(())
    };
    if let Err(error) = ended.await {
        tracing::warn!(service = of.service.name, %error, "cannot end a deployment or change of an earlier run");
    }
}
