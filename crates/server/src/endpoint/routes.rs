//! The routes from hosts to services. The reconciler sets them, and requests read them.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use gangplank_core::ServiceId;
use hyper::http::uri::Authority;

use crate::tenure::Tenure;

/// The table of routes. Reading it takes no lock.
pub(crate) struct Routes {
    begun: Instant,
    /// The routes by host. A host is in lower case, without a port and without a dot at its end.
    by_host: ArcSwap<HashMap<String, Arc<Route>>>,
    /// The hosts and the route of each service.
    by_service: Mutex<BTreeMap<ServiceId, HostsAndRoute>>,
    /// The replicas that write the logs of services whose logs are not written here.
    log_places: Mutex<BTreeMap<ServiceId, Authority>>,
    are_complete: AtomicBool,
}

/// The hosts of a service, and their common route.
type HostsAndRoute = (Vec<String>, Arc<Route>);

/// The target of a host.
#[derive(Debug)]
pub(crate) enum Route {
    /// The service is disabled.
    Disabled,
    /// The service has no public endpoint, or no node runs yet.
    NoEndpoint,
    /// The nodes of the service.
    Nodes(Nodes),
    /// The service runs on another replica, which listens at this address for others.
    Elsewhere(Authority),
}

/// The nodes that answer for a service, at least one.
#[derive(Debug)]
pub(crate) struct Nodes {
    /// Whether the nodes speak HTTPS.
    pub(crate) is_tls: bool,
    pub(crate) all: Vec<Arc<Node>>,
    /// Until when no other replica can serve. `None` if there are no others.
    pub(crate) tenure: Option<Tenure>,
}

/// A node that answers requests.
#[derive(Debug)]
pub(crate) struct Node {
    /// The address and port of the node.
    pub(crate) address: SocketAddr,
    /// Whether the node passes its health checks. If no node of a service does, all are asked.
    pub(crate) is_healthy: AtomicBool,
    /// The number of its requests and upgraded connections.
    under_way: AtomicUsize,
    /// The address in the form of URLs.
    pub(super) authority: Option<Authority>,
}

/// A request or an upgraded connection of a node. It counts until it is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Node>);

impl Node {
    /// A node, healthy at first.
    pub(crate) fn new(address: SocketAddr) -> Self {
        // The scope id of IPv6 is left out, because a URL cannot have it.
        let authority = SocketAddr::new(address.ip(), address.port()).to_string();
        Self {
            address,
            is_healthy: AtomicBool::new(true),
            under_way: AtomicUsize::new(0),
            authority: authority.try_into().ok(),
        }
    }

    /// The number of requests and upgraded connections of the node.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Counts a request of the node.
    pub(crate) fn begin(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }
}

impl Nodes {
    /// Whether another replica may serve meanwhile. It may if this process stood still, and has not found out yet.
    pub(super) fn are_doubtful(&self) -> bool {
        self.tenure.as_ref().is_some_and(Tenure::is_over)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Routes {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            by_host: ArcSwap::default(),
            by_service: Mutex::default(),
            log_places: Mutex::default(),
            are_complete: AtomicBool::default(),
        }
    }
}

impl Routes {
    /// The time since the table was made.
    pub(crate) fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The route of a host, which is in lower case, without a port and without a dot at its end.
    pub(crate) fn find(&self, host: &str) -> Option<Arc<Route>> {
        self.by_host.load().get(host).cloned()
    }

    /// Routes these hosts to a service, and removes the routes of its earlier hosts. Both happen in one step.
    pub(crate) fn set(&self, service: ServiceId, hosts: Vec<String>, route: Route) {
        let mut services = self.by_service.lock().unwrap_or_else(PoisonError::into_inner);
        services.insert(service, (hosts, Arc::new(route)));
        self.publish(&services);
    }

    /// Changes the route of a service, if it has one. Its hosts stay.
    pub(crate) fn lead(&self, service: ServiceId, route: Route) {
        let mut services = self.by_service.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, before)) = services.get_mut(&service) {
            *before = Arc::new(route);
            self.publish(&services);
        }
    }

    /// Removes all routes of a service, and the place of its logs.
    pub(crate) fn remove(&self, service: ServiceId) {
        self.set_log_place(service, None);
        let mut services = self.by_service.lock().unwrap_or_else(PoisonError::into_inner);
        services.remove(&service);
        self.publish(&services);
    }

    /// Records that each service that runs elsewhere has its route.
    pub(crate) fn are_complete(&self) {
        self.are_complete.store(true, Ordering::Release);
    }

    /// Whether all routes are known: a host without a route then belongs to no service, also not to one that
    /// runs elsewhere.
    pub(crate) fn is_complete(&self) -> bool {
        self.are_complete.load(Ordering::Acquire)
    }

    /// Records which other replica writes the logs of a service. `None` means that they are here.
    pub(crate) fn set_log_place(&self, service: ServiceId, place: Option<Authority>) {
        let mut places = self.log_places.lock().unwrap_or_else(PoisonError::into_inner);
        match place {
            Some(place) => places.insert(service, place),
            None => places.remove(&service),
        };
    }

    /// The replica that writes the logs of a service. `None` means that they are here.
    pub(crate) fn log_place(&self, service: ServiceId) -> Option<Authority> {
        self.log_places.lock().unwrap_or_else(PoisonError::into_inner).get(&service).cloned()
    }

    fn publish(&self, services: &BTreeMap<ServiceId, HostsAndRoute>) {
        let hosts = services.values().flat_map(|(hosts, route)| hosts.iter().map(move |host| (host, route)));
        self.by_host.store(Arc::new(hosts.map(|(host, route)| (host.clone(), Arc::clone(route))).collect()));
    }
}
