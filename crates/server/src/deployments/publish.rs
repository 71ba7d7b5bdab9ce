//! Leads requests to the nodes of a service.

use gangplank_store::metadata::deployments::{DeployedService, Room};

use super::health::Verdict;
use super::node::{Node, speaks_tls};
use super::runner::Runner;
use crate::app::App;
use crate::endpoint::routes;
use crate::jobs::usage::RunningNode;

impl Runner {
    /// Leads the service's hosts to the nodes that serve now. Until nodes serve here, requests for the hosts
    /// go on to another server that serves.
    pub(super) fn publish(&mut self, of: &DeployedService) {
        let hosts = hosts(&self.app, of);
        let elsewhere = self.served_elsewhere().and_then(|place| place.address.parse().ok());
        let waits = !of.service.is_disabled && of.current.is_some();
        let route = match elsewhere.filter(|_| waits && !self.serves(of)) {
            Some(address) => routes::Route::Elsewhere(address),
            None => self.route(of),
        };
        self.app.routes.set(self.service, hosts, route);
        let Room { cpus, memory } = of.service.power.room(1);
        let serving = self.nodes.iter().filter(|(_, node)| is_current(of, node));
        let running = serving.map(|(handle, _)| RunningNode {
            service: self.service,
            handle: handle.clone(),
            cpus,
            memory,
        });
        self.app.deployer.runs(self.service, running.collect());
    }

    /// Whether a node of the current deployment is healthy.
    pub(super) fn serves(&mut self, of: &DeployedService) -> bool {
        let Some(Ok(spec)) = of.current.as_ref().map(|current| self.open(of, current)) else { return false };
        let mut current = self.nodes.values().filter(|node| is_current(of, node));
        current.any(|node| node.verdict(&spec, &self.pace) == Verdict::Healthy)
    }

    fn route(&mut self, of: &DeployedService) -> routes::Route {
        if of.service.is_disabled {
            return routes::Route::Disabled;
        }
        let Some(current) = &of.current else { return routes::Route::NoEndpoint };
        let tenure = self.tenure.clone();
        let Ok(spec) = self.open(of, current) else {
            // The deployment may have an endpoint, but its port cannot be read.
            return routes::Route::Nodes(routes::Nodes { is_tls: false, all: Vec::new(), tenure });
        };
        let Some(endpoint) = &spec.endpoint else { return routes::Route::NoEndpoint };
        let serving = || self.nodes.values().filter(|node| is_current(of, node));
        let proven = serving().filter(|node| node.verdict(&spec, &self.pace) != Verdict::Unproven);
        let mut nodes: Vec<_> = proven.filter_map(|node| node.target.clone()).collect();
        if nodes.is_empty() {
            // If no node is healthy, requests go to nodes that have not passed a health check yet.
            nodes = serving().filter_map(|node| node.target.clone()).collect();
        }
        let is_tls = speaks_tls(&spec, endpoint);
        routes::Route::Nodes(routes::Nodes { is_tls, all: nodes, tenure })
    }
}

/// The host names of a service.
pub(super) fn hosts(app: &App, of: &DeployedService) -> Vec<String> {
    let domains = of.service.public_domain_names.values().flatten().map(|name| name.to_ascii_lowercase());
    std::iter::once(app.service_host(&of.tenant, &of.service)).chain(domains).collect()
}

fn is_current(of: &DeployedService, node: &Node) -> bool {
    of.current.as_ref().is_some_and(|current| current.version == node.seen.name.version)
}
