//! What every request may use.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use std::net::IpAddr;

use gangplank_core::container_service::Entrance;
use gangplank_core::{Leases, LoginId, Network, Origin, Owner, Quotas, Region, Tenant};
use gangplank_store::blobs::BlobStore;
use gangplank_store::logs::Logs;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::container_services::ContainerService;
use hyper::HeaderMap;
use hyper::header::{HeaderValue, USER_AGENT};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::certificates::Certificates;
use crate::clock::Clock;
use crate::config::{AuditKept, Deployments, Limits};
use crate::container_logs::ContainerLogs;
use crate::coordination::Claims;
use crate::deployments::Deployer;
use crate::endpoint::Endpoint;
use crate::endpoint::routes::Routes;
use crate::http::client::FORWARDED_PROTO;
use crate::http::connections::Connections;
use crate::http::own_thread::Threads;
use crate::http::request_id::RequestIds;
use crate::http::small_body::Budget;
use crate::http::unverified::Unverified;
use crate::last_use::{KeyUse, LoginUse};
use crate::metrics::Metrics;
use crate::oidc::Issuers;
use crate::publishing::Publishing;
use crate::pulls::Pulls;
use crate::refusals::{Refusal, Refusals};
use crate::registry::failed_logins::FailedLogins;
use crate::registry::finished_uploads::FinishedUploads;
use crate::registry::gathered::Gathering;
use crate::registry::room::InFlight;
use crate::removals::Removals;
use crate::sealing::MasterKey;

/// What every request may use. One per server, shared.
pub(crate) struct App {
    /// Rows.
    pub(crate) metadata: Arc<dyn Metadata>,
    /// Bytes.
    pub(crate) blobs: Arc<dyn BlobStore>,
    /// When bytes may be removed.
    pub(crate) removals: Removals,
    /// Opens secret access keys and what deployments run.
    pub(crate) master: MasterKey,
    /// The one clock. Rows of logins and registrations carry its wall time, leases and sessions its
    /// steady time.
    pub(crate) clock: Clock,
    /// How long what nothing holds is kept.
    pub(crate) leases: Leases,
    /// How much one account may have.
    pub(crate) quotas: Quotas,
    /// How much one client may ask.
    pub(crate) limits: Limits,
    /// The regions that requests may be signed for.
    pub(crate) regions: Vec<Region>,
    /// The address that logins name, if not the one the API was called by.
    pub(crate) public_address: Option<String>,
    /// The addresses of proxies, whose word on where a request comes from is taken.
    pub(crate) proxies: Vec<Network>,
    /// Whether the web console is served.
    pub(crate) console: bool,
    /// Whether plain HTTP beyond this machine was asked for.
    pub(crate) insecure_http: bool,
    /// How much of the audit trail is kept.
    pub(crate) audit: AuditKept,
    /// Refusals on their way into the audit trail.
    pub(crate) refusals: Refusals,
    /// First pulls on their way there.
    pub(crate) pulls: Pulls,
    /// When logins were last used, on its way into their rows.
    pub(crate) login_use: LoginUse,
    /// The same of access keys.
    pub(crate) key_use: KeyUse,
    /// Which addresses have been refused how often.
    pub(crate) failed_logins: FailedLogins,
    /// The same of identity tokens.
    pub(crate) failed_exchanges: FailedLogins,
    /// Whose identity tokens may open roles.
    pub(crate) issuers: Issuers,
    /// Which upload sessions were finished a moment ago.
    pub(crate) finished_uploads: FinishedUploads,
    /// What this process does, where others could.
    pub(crate) claims: Arc<Claims>,
    /// The memory that manifests and verified API calls share.
    pub(crate) small_bodies: Budget,
    /// The memory that API calls share while nobody knows whose they are.
    pub(crate) unverified: Unverified,
    /// The open connections.
    pub(crate) connections: Arc<Connections>,
    /// The memory that bodies of blobs share before they are written.
    pub(crate) gathering: Gathering,
    /// The threads that connections with large bodies share.
    pub(crate) threads: Threads,
    /// The requests that are being answered, also those whose client went away.
    pub(crate) requests: TaskTracker,
    /// Wakes the job that removes discarded content.
    pub(crate) discarded: Notify,
    /// Names every request.
    pub(crate) request_ids: RequestIds,
    /// What is counted.
    pub(crate) metrics: Arc<Metrics>,
    /// Whether something may be published that has no row, so that the next start has to look for it.
    pub(crate) orphaned: Arc<AtomicBool>,
    /// Which contents have bytes already and no row yet.
    pub(crate) publishing: Publishing,
    /// How many bytes are coming in that no row counts yet.
    pub(crate) in_flight: InFlight,
    /// How registered images are run.
    pub(crate) deployments: Deployments,
    /// Whether the listeners speak TLS.
    pub(crate) is_tls: bool,
    /// Where services are reached.
    pub(crate) entrance: Entrance,
    /// Whatever runs them.
    pub(crate) deployer: Deployer,
    /// The server's own certificate, and those of services' domains.
    pub(crate) certificates: Arc<Certificates>,
    /// What requests of services share.
    pub(crate) endpoint: Endpoint,
    /// Which host leads to which service.
    pub(crate) routes: Routes,
    /// What containers have printed.
    pub(crate) logs: Arc<Logs>,
    /// What they print.
    pub(crate) container_logs: Arc<ContainerLogs>,
}

impl App {
    /// Who does something now: the client at `address`, with these credentials if it has any.
    pub(crate) fn origin(
        &self,
        address: IpAddr,
        headers: &HeaderMap,
        owner: Option<Owner>,
        login: Option<LoginId>,
    ) -> Origin {
        let user_agent = headers.get(USER_AGENT).map(|it| String::from_utf8_lossy(it.as_bytes()));
        self.origin_of(address, user_agent.as_deref(), owner, login)
    }

    /// The same, where it is known what the client calls itself.
    pub(crate) fn origin_of(
        &self,
        address: IpAddr,
        user_agent: Option<&str>,
        owner: Option<Owner>,
        login: Option<LoginId>,
    ) -> Origin {
        let user_agent = user_agent.map(Origin::shortened);
        let (at, steady) = (self.clock.now(), self.clock.steady());
        let address = Some(address);
        Origin {
            at,
            steady,
            owner,
            login,
            session: None,
            address,
            user_agent,
            by_console: false,
            request: None,
        }
    }

    /// Whether a request came over TLS: to this server, or to a proxy in front of it that says so.
    pub(crate) fn is_secure(&self, headers: &HeaderMap) -> bool {
        let forwarded = headers.get(FORWARDED_PROTO).map(HeaderValue::as_bytes);
        self.is_tls
            || !self.proxies.is_empty() && forwarded.is_some_and(|it| it.eq_ignore_ascii_case(b"https"))
    }

    /// Counts a refusal. `tenant` is whose credential it was, if it was anybody's.
    pub(crate) fn count_refusal(&self, refusal: Refusal, origin: Origin, tenant: Option<Tenant>) {
        self.metrics.refused(&refusal);
        self.refusals.count(refusal, origin, tenant);
    }

    /// The host that the outside reaches a service by, without a port.
    pub(crate) fn service_host(&self, tenant: &Tenant, service: &ContainerService) -> String {
        let domain = &self.deployments.service_domain;
        service.host(&tenant.region, domain)
    }

    /// The URL that the outside reaches a service by.
    pub(crate) fn service_url(&self, tenant: &Tenant, service: &ContainerService) -> String {
        self.entrance.url(&self.service_host(tenant, service))
    }
}
