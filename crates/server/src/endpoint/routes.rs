//! Which host leads where. The reconciler writes, requests read.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use gangplank_core::ServiceId;
use hyper::http::uri::Authority;

/// The table of routes. Reading takes no lock.
#[derive(Default)]
pub(crate) struct Routes {
    /// By host: lower case, without a port and without a dot at the end.
    by_host: ArcSwap<HashMap<String, Arc<Route>>>,
    /// What each service has put into it.
    by_service: Mutex<BTreeMap<ServiceId, HostsAndRoute>>,
}

/// The hosts of a service, and where they lead.
type HostsAndRoute = (Vec<String>, Arc<Route>);

/// Where a host leads.
#[derive(Debug)]
pub(crate) enum Route {
    /// The service is disabled.
    Disabled,
    /// The service has no public endpoint, or nothing of it runs yet.
    NoEndpoint,
    /// To these nodes.
    Nodes(Nodes),
}

/// The nodes that answer for a service. One of them at least.
#[derive(Debug)]
pub(crate) struct Nodes {
    /// Whether they speak HTTPS.
    pub(crate) is_tls: bool,
    /// Each node.
    pub(crate) nodes: Vec<Arc<Node>>,
}

/// A node that answers requests.
#[derive(Debug)]
pub(crate) struct Node {
    /// Where it answers.
    pub(crate) address: SocketAddr,
    /// Whether its health checks pass. If none of a service's do, all are asked.
    pub(crate) is_healthy: AtomicBool,
    /// How many requests and upgraded connections it has.
    under_way: AtomicUsize,
    /// The address, as a URL has it.
    pub(super) authority: Option<Authority>,
}

/// A request or an upgraded connection that a node has. It counts until it is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Node>);

impl Node {
    /// A node that is healthy.
    pub(crate) fn new(address: SocketAddr) -> Self {
        // Without the scope of IPv6, which a URL has no place for.
        let authority = SocketAddr::new(address.ip(), address.port()).to_string();
        Self {
            address,
            is_healthy: AtomicBool::new(true),
            under_way: AtomicUsize::new(0),
            authority: authority.try_into().ok(),
        }
    }

    /// How much it has to do.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Counts something that it is to do.
    pub(crate) fn begin(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Routes {
    /// Where a host leads, in lower case, without a port and without a dot at the end.
    pub(crate) fn find(&self, host: &str) -> Option<Arc<Route>> {
        self.by_host.load().get(host).cloned()
    }

    /// Leads these hosts to a service, and those that it had before no more, in one step.
    pub(crate) fn set(&self, service: ServiceId, hosts: Vec<String>, route: Route) {
        let mut services = self.by_service.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        services.insert(service, (hosts, Arc::new(route)));
        self.publish(&services);
    }

    /// Leads nothing to a service any more.
    pub(crate) fn remove(&self, service: ServiceId) {
        let mut services = self.by_service.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        services.remove(&service);
        self.publish(&services);
    }

    fn publish(&self, services: &BTreeMap<ServiceId, HostsAndRoute>) {
        let hosts = services.values().flat_map(|(hosts, route)| hosts.iter().map(move |host| (host, route)));
        self.by_host.store(Arc::new(hosts.map(|(host, route)| (host.clone(), Arc::clone(route))).collect()));
    }
}
