//! Follows the services that other servers run, and leads their visitors to these servers.

use std::collections::BTreeMap;
use std::sync::Arc;

use gangplank_core::ServiceId;
use gangplank_store::metadata::deployments::DeployedService;
use hyper::http::uri::Authority;

use super::among::Among;
use super::publish::hosts;
use crate::app::App;
use crate::endpoint::routes::{Nodes, Route};

/// The routes of services that do not run here, and the services as they were read last.
pub(super) struct Others {
    app: Arc<App>,
    set: BTreeMap<ServiceId, Led>,
    services: BTreeMap<ServiceId, DeployedService>,
}

/// Where the requests of a service are led.
#[derive(Clone, Debug, PartialEq)]
struct Led {
    hosts: Vec<String>,
    to: To,
    /// The server that has the service's logs, if it is another.
    logs: Option<Authority>,
}

#[derive(Clone, Debug, PartialEq)]
enum To {
    Nothing,
    Disabled,
    /// Requests go to this server, which is about to run the service.
    HereSoon,
    Elsewhere(Authority),
}

impl Others {
    pub(super) fn of(app: &Arc<App>) -> Self {
        Self { app: Arc::clone(app), set: BTreeMap::new(), services: BTreeMap::new() }
    }

    /// Sets the routes of services that do not run here.
    pub(super) fn lead(&mut self, services: &[DeployedService], runs_here: impl Fn(ServiceId) -> bool) {
        let app = Arc::clone(&self.app);
        let Some(among) = app.deployer.among() else { return };
        let mut led = BTreeMap::new();
        for of in services.iter().filter(|of| !runs_here(of.service.id)) {
            let service = of.service.id;
            let to = target(among, of);
            led.insert(service, Led { hosts: hosts(&app, of), to, logs: among.runs_elsewhere(service) });
        }
        for gone in self.set.keys().filter(|service| !led.contains_key(service) && !runs_here(**service)) {
            app.routes.remove(*gone);
        }
        for (service, led) in &led {
            if self.set.get(service) != Some(led) {
                app.routes.set(*service, led.hosts.clone(), led.to.route());
                app.routes.set_log_place(*service, led.logs.clone());
            }
        }
        self.set = led;
        app.routes.are_complete();
    }

    /// The services that have changed since the last call, or are gone.
    pub(super) fn changed(&mut self, services: &[DeployedService]) -> Vec<ServiceId> {
        let now: BTreeMap<_, _> = services.iter().map(|of| (of.service.id, of.clone())).collect();
        let before = std::mem::replace(&mut self.services, now);
        let changed = self.services.iter().filter(|(service, of)| before.get(service) != Some(of));
        let gone = before.keys().filter(|service| !self.services.contains_key(service));
        changed.map(|(service, _)| *service).chain(gone.copied()).collect()
    }
}

fn target(among: &Among, of: &DeployedService) -> To {
    if of.service.is_disabled {
        return To::Disabled;
    }
    match (among.elsewhere(of.service.id), among.known().places.contains_key(&of.service.id)) {
        (Some(address), _) => To::Elsewhere(address),
        (None, true) => To::HereSoon,
        (None, false) => To::Nothing,
    }
}

impl To {
    fn route(&self) -> Route {
        match self {
            Self::Nothing => Route::NoEndpoint,
            Self::Disabled => Route::Disabled,
            Self::HereSoon => Route::Nodes(Nodes { is_tls: false, all: Vec::new(), tenure: None }),
            Self::Elsewhere(address) => Route::Elsewhere(address.clone()),
        }
    }
}
