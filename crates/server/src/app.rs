//! The state that every request may use.

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
use crate::config::{AuditKept, Deployments, Limits, Redirects};
use crate::container_logs::ContainerLogs;
use crate::coordination::Claims;
use crate::deployments::Deployer;
use crate::discarded::{self, Remover};
use crate::endpoint::Endpoint;
use crate::endpoint::routes::Routes;
use crate::http::client::FORWARDED_PROTO;
use crate::http::connections::Connections;
use crate::http::large_answers::LargeAnswers;
use crate::http::own_thread::Threads;
use crate::http::request_id::RequestIds;
use crate::http::small_body::Budget;
use crate::http::unverified::Unverified;
use crate::last_use::{KeyUse, LoginUse};
use crate::metrics::Metrics;
use crate::oidc::Issuers;
use crate::processor_shares::ProcessorShares;
use crate::publishing::Publishing;
use crate::pulls::Pulls;
use crate::refusals::{Refusal, Refusals};
use crate::registry::failed_logins::FailedLogins;
use crate::registry::finished_uploads::FinishedUploads;
use crate::registry::gathered::Gathering;
use crate::registry::room::InFlight;
use crate::removals::Removals;
use crate::sealing::MasterKey;

/// The state that every request may use. A server has one such state, which all its requests share.
pub(crate) struct App {
    /// The metadata store.
    pub(crate) metadata: Arc<dyn Metadata>,
    /// The blob store.
    pub(crate) blobs: Arc<dyn BlobStore>,
    /// The right to remove stored bytes. Backups suspend it.
    pub(crate) removals: Removals,
    /// The terms on which bytes are removed.
    pub(crate) removal_terms: discarded::Terms,
    /// Opens secret access keys and the specifications of deployments.
    pub(crate) master: MasterKey,
    /// The only clock. Rows of logins and registrations use its wall time. Leases and upload sessions use its
    /// steady time.
    pub(crate) clock: Clock,
    /// How long unreferenced content is kept.
    pub(crate) leases: Leases,
    /// The quotas of each account.
    pub(crate) quotas: Quotas,
    /// The limits for each client.
    pub(crate) limits: Limits,
    /// The regions that requests may be signed for.
    pub(crate) regions: Vec<Region>,
    /// The registry's address in logins. `None` means the address that the API was called by.
    pub(crate) public_address: Option<String>,
    /// How pulls are redirected to the bucket; `None` if they are not.
    pub(crate) redirects: Option<Redirects>,
    /// The networks of trusted proxies. The server believes their headers about the client.
    pub(crate) proxies: Vec<Network>,
    /// Whether the web console is served.
    pub(crate) console: bool,
    /// Whether the operator allowed plain HTTP beyond this machine.
    pub(crate) insecure_http: bool,
    /// How much of the audit trail is kept.
    pub(crate) audit: AuditKept,
    /// Refusals that wait to be written to the audit trail.
    pub(crate) refusals: Refusals,
    /// First pulls that wait to be written to the audit trail.
    pub(crate) pulls: Pulls,
    /// The last uses of registry logins that wait to be written to their rows.
    pub(crate) login_use: LoginUse,
    /// The last uses of access keys that wait to be written to their rows.
    pub(crate) key_use: KeyUse,
    /// The recent failed logins of each address.
    pub(crate) failed_logins: FailedLogins,
    /// The recently refused identity tokens of each address.
    pub(crate) failed_exchanges: FailedLogins,
    /// The issuers whose identity tokens may open roles.
    pub(crate) issuers: Issuers,
    /// The upload sessions that finished recently.
    pub(crate) finished_uploads: FinishedUploads,
    /// The work that this process has claimed.
    pub(crate) claims: Arc<Claims>,
    /// The memory for manifests and for bodies of verified API calls.
    pub(crate) small_bodies: Budget,
    /// The memory for large answers that clients are reading.
    pub(crate) large_answers: LargeAnswers,
    /// The memory for bodies of unverified API calls.
    pub(crate) unverified: Unverified,
    /// The open connections.
    pub(crate) connections: Arc<Connections>,
    /// The memory for received bytes of blobs that are not written yet.
    pub(crate) gathering: Gathering,
    /// The processor time of each registry login.
    pub(crate) processor_shares: ProcessorShares,
    /// The own threads of connections with large bodies.
    pub(crate) threads: Threads,
    /// Whether the server was told to stop.
    pub(crate) is_leaving: AtomicBool,
    /// The requests that are being answered, even if their client has left.
    pub(crate) requests: TaskTracker,
    /// Wakes the job that removes discarded content.
    pub(crate) discarded: Notify,
    /// Makes the ids of requests.
    pub(crate) request_ids: RequestIds,
    /// The counters of the metrics.
    pub(crate) metrics: Arc<Metrics>,
    /// Whether published content may lack a row. If so, the next start has to search for such content.
    pub(crate) orphaned: Arc<AtomicBool>,
    /// The contents that are being published: their bytes may exist before their rows.
    pub(crate) publishing: Publishing,
    /// The bytes that are arriving and that no row counts yet.
    pub(crate) in_flight: InFlight,
    /// The settings of deployments.
    pub(crate) deployments: Deployments,
    /// Whether the listeners speak TLS.
    pub(crate) is_tls: bool,
    /// The scheme and port by which clients reach services.
    pub(crate) entrance: Entrance,
    /// The deployer, which runs services.
    pub(crate) deployer: Deployer,
    /// The server's own certificate, and the certificates for services' domains.
    pub(crate) certificates: Arc<Certificates>,
    /// The state that all requests to services share.
    pub(crate) endpoint: Endpoint,
    /// The routes from hosts to services.
    pub(crate) routes: Routes,
    /// The logs of containers.
    pub(crate) logs: Arc<Logs>,
    /// Writes the output of containers to their logs.
    pub(crate) container_logs: Arc<ContainerLogs>,
}

impl App {
    /// Removes discarded content as of now.
    pub(crate) fn remover(&self) -> Remover<'_> {
        Remover {
            metadata: self.metadata.as_ref(),
            blobs: &self.blobs,
            removals: &self.removals,
            terms: self.removal_terms,
            now: self.clock.steady(),
        }
    }

    /// The origin of an action that happens now: the client at `address`, with its credential if it has one.
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

    /// The same origin as [`origin`](Self::origin), for a `User-Agent` that is known already.
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

    /// Whether a request came over TLS, to this server or to a trusted proxy that reports it.
    pub(crate) fn is_secure(&self, headers: &HeaderMap) -> bool {
        let forwarded = headers.get(FORWARDED_PROTO).map(HeaderValue::as_bytes);
        self.is_tls
            || !self.proxies.is_empty() && forwarded.is_some_and(|it| it.eq_ignore_ascii_case(b"https"))
    }

    /// Counts a refusal. `tenant` is the credential's tenant, if the credential is known.
    pub(crate) fn count_refusal(&self, refusal: Refusal, origin: Origin, tenant: Option<Tenant>) {
        self.metrics.refused(&refusal);
        self.refusals.count(refusal, origin, tenant);
    }

    /// Whether the services that other servers run are known. A server that has just started does not know them yet.
    pub(crate) fn knows_services(&self) -> bool {
        self.deployer.among().is_none() || self.routes.is_complete()
    }

    /// The host by which clients reach a service, without a port.
    pub(crate) fn service_host(&self, tenant: &Tenant, service: &ContainerService) -> String {
        let domain = &self.deployments.service_domain;
        service.host(&tenant.region, domain)
    }

    /// The URL by which clients reach a service.
    pub(crate) fn service_url(&self, tenant: &Tenant, service: &ContainerService) -> String {
        self.entrance.url(&self.service_host(tenant, service))
    }
}
