//! Services on a server without an engine: their deployments and changes end.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use gangplank_store::metadata::deployments::DeployedService;
use tokio_util::sync::CancellationToken;

use super::images::{end_logins_of_earlier_runs, origin};
use super::publish::hosts;
use crate::app::App;
use crate::endpoint::routes::Route;
use crate::jobs::job::{Job, Next};

/// The reason of failure of a deployment that an earlier run began.
const NO_ENGINE: &str = "the server was started without a container engine";

/// How often a server looks whether another one has changed services.
const OTHERS: Duration = Duration::from_mins(1);

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
        let all = app.metadata.services_to_run().await.context("cannot look which services were to run")?;
        for of in all.services {
            end(app, &of).await;
        }
        for (service, error) in all.unreadable {
            tracing::error!(service = service.0, %error, "a service cannot be read");
        }
        // Only the server that was called is woken.
        Ok(if app.clock.cluster().is_some() { Next::In(OTHERS) } else { Next::WhenWoken })
    }

    async fn woken(&mut self) {
        self.app.deployer.is_woken().await;
    }
}

async fn end(app: &App, of: &DeployedService) {
    let service = of.service.id;
    let route = if of.service.is_disabled { Route::Disabled } else { Route::NoEndpoint };
    app.routes.set(service, hosts(app, of), route);
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
