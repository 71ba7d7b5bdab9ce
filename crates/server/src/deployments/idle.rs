//! What becomes of services where nothing runs them: no deployment is on its way, and no change either.

use std::sync::Arc;

use gangplank_store::metadata::deployments::DeployedService;
use tokio_util::sync::CancellationToken;

use super::images::{end_logins_of_earlier_runs, origin};
use super::publish::hosts;
use crate::app::App;
use crate::endpoint::routes::Route;

/// Why a deployment of an earlier run ends.
const NO_ENGINE: &str = "the server was started without a container engine";

/// Ends what an earlier run of the server had begun, and answers for disabled services, until told to stop.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    end_logins_of_earlier_runs(&app).await;
    loop {
        match app.metadata.services_to_run().await {
            Ok(all) => {
                for of in all.services {
                    end(&app, &of).await;
                }
                for (service, error) in all.unreadable {
                    tracing::error!(service = service.0, %error, "a service cannot be read");
                }
            }
            Err(error) => tracing::warn!(%error, "cannot look which services were to run"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = app.deployer.is_woken() => {}
        }
        let (woken, _) = app.deployer.take();
        for service in woken {
            // Those that are still to be answered for come again.
            app.routes.remove(service);
        }
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
        tracing::warn!(service = of.service.name, %error, "cannot end what an earlier run had begun");
    }
}
