//! The record of a request. When the last byte of the answer has been handed over, it becomes one line of the
//! log and one step of the metrics. Handlers add to it what they find out.

use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use gangplank_core::{AccessKeyId, Grant, LoginId, Origin, Owner, Principal, Tenant};
use gangplank_oci::Digest;
use hyper::header::{HeaderValue, USER_AGENT};
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Request, StatusCode, Uri};
use tokio::time::Instant;
use tracing::{Level, Span};
use uuid::Uuid;

use super::turns::Received;
use crate::metrics::{Metrics, Outcome};

/// The most characters of a path or a reason in the log.
const SHOWN: usize = 512;

/// The status in the log and the metrics if the client left before the answer. nginx uses the same.
const CLIENT_LEFT: u16 = 499;

/// The part of the server that answers a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Service {
    /// The request reached no part, for example because it is malformed.
    #[default]
    None,
    /// The registry.
    Registry,
    /// Lightsail's operations.
    Lightsail,
    /// Our own operations.
    Gangplank,
    /// The Security Token Service.
    Sts,
    /// The health of the server.
    Health,
    /// The web console.
    Console,
    /// A container service, for a visitor.
    Endpoint,
}

impl Service {
    /// Its name in the log and in labels of metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Registry => "registry",
            Self::Lightsail => "lightsail",
            Self::Gangplank => "gangplank",
            Self::Sts => "sts",
            Self::Health => "health",
            Self::Console => "console",
            Self::Endpoint => "endpoint",
        }
    }

    /// Whether the log may show the query. One-time links of the console are secrets. A visitor's query may
    /// contain secrets of the service.
    fn shows_query(self) -> bool {
        self == Self::Registry
    }
}

/// The caller.
#[derive(Clone, Debug)]
struct Who {
    tenant: Tenant,
    owner: Owner,
    session: Option<AccessKeyId>,
    login: Option<LoginId>,
}

/// The facts that are known of a request so far.
pub(crate) struct Record {
    /// The id of the request in the answer, the log and the audit trail.
    pub(crate) id: Uuid,
    /// The address of the client.
    pub(crate) peer: IpAddr,
    /// The span of log lines about the request. For reads it only exists at the level debug, so that it costs
    /// nothing at info.
    pub(super) span: Span,
    started: Instant,
    method: Method,
    uri: Uri,
    user_agent: Option<HeaderValue>,
    received: Received,
    route: OnceLock<(Service, &'static str)>,
    who: OnceLock<Who>,
    digest: OnceLock<Digest>,
    refusal: OnceLock<(&'static str, String)>,
    quota: OnceLock<&'static str>,
    changed: AtomicBool,
}

impl Record {
    /// Begins the record of a new request.
    pub(super) fn begin<B>(id: Uuid, peer: IpAddr, request: &Request<B>, received: Received) -> Self {
        Self {
            id,
            peer,
            span: match *request.method() {
                Method::GET | Method::HEAD => tracing::debug_span!("request", %id),
                _ => tracing::info_span!("request", %id),
            },
            started: Instant::now(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            user_agent: request.headers().get(USER_AGENT).cloned(),
            received,
            route: OnceLock::new(),
            who: OnceLock::new(),
            digest: OnceLock::new(),
            refusal: OnceLock::new(),
            quota: OnceLock::new(),
            changed: AtomicBool::new(false),
        }
    }

    /// Records the service and the operation that answer the request.
    pub(crate) fn is_for(&self, service: Service, operation: &'static str) {
        let _ = self.route.set((service, operation));
    }

    /// Records the valid login of the request.
    pub(crate) fn is_of_login(&self, grant: Grant) {
        let Grant { tenant, owner, session, login, .. } = grant;
        let _ = self.who.set(Who { tenant, owner, session, login: Some(login) });
    }

    /// Records the caller that signed the request.
    pub(crate) fn is_of(&self, principal: &Principal, tenant: &Tenant) {
        let (owner, session) = (principal.owner(), principal.session().cloned());
        let _ = self.who.set(Who { tenant: tenant.clone(), owner, session, login: None });
    }

    /// Records that the request changed something, and the digest of the content if it was about content.
    pub(crate) fn has_changed(&self, digest: Option<Digest>) {
        self.changed.store(true, Ordering::Relaxed);
        if let Some(digest) = digest {
            let _ = self.digest.set(digest);
        }
    }

    /// Records that the request is refused, with the code and the reason.
    pub(crate) fn is_refused(&self, code: &'static str, why: &str) {
        let _ = self.refusal.set((code, why.chars().take(SHOWN).collect()));
    }

    /// If the request is refused because of a quota, records that. `option` sets the quota.
    pub(crate) fn is_over_quota(&self, option: Option<&'static str>) {
        if let Some(option) = option {
            let _ = self.quota.set(option);
        }
    }

    /// Writes the record. `sent` is in bytes. `status` is `None` if the client left before the answer.
    pub(super) fn end(&self, metrics: &Metrics, status: Option<StatusCode>, sent: u64) {
        let (service, operation) = self.route.get().copied().unwrap_or((Service::None, "none"));
        let took = self.started.elapsed();
        let (status, received) = (status.map_or(CLIENT_LEFT, |status| status.as_u16()), self.received.take());
        let quota = self.quota.get().copied();
        metrics.over_quota(quota);
        metrics.ended(&Outcome {
            service: service.name(),
            operation,
            method: &self.method,
            status,
            took,
            received,
            sent,
        });
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(
                    target: "gangplank_server::request",
                    parent: &self.span,
                    $level,
                    request_id = %self.id,
                    service = service.name(),
                    operation,
                    method = self.method.as_str(),
                    path = self.shown_path(service),
                    status,
                    peer = %self.peer,
                    tenant = self.who.get().map(|who| tracing::field::display(&who.tenant)),
                    principal = self.who.get().map(|who| who.owner.as_str()),
                    session = self.who.get().and_then(|who| who.session.as_ref()).map(tracing::field::display),
                    login = self.who.get().and_then(|who| who.login).map(|login| login.0),
                    digest = self.digest.get().map(tracing::field::display),
                    code = self.refusal.get().map(|(code, _)| *code),
                    quota,
                    reason = self.refusal.get().map(|(_, why)| why.as_str()),
                    received,
                    sent,
                    ms = (took.as_secs_f64() * 1e6).round() / 1e3,
                    user_agent = self.shown_user_agent().map(tracing::field::debug),
                    "answered"
                )
            };
        }
        match self.level(service, status) {
            Level::ERROR => line!(Level::ERROR),
            Level::INFO => line!(Level::INFO),
            _ => line!(Level::DEBUG),
        }
    }

    /// The level of the log line. Anybody can cause endless refusals, so those of unknown callers are only
    /// counted by `refusals`. Errors of a service are not errors of this server.
    fn level(&self, service: Service, status: u16) -> Level {
        let is_known = self.who.get().is_some();
        // The memory for unsigned bodies is full. Anybody can cause such refusals without end.
        let is_crowd = !is_known && status == 503;
        match status {
            _ if service == Service::Endpoint => Level::DEBUG,
            500.. if !is_crowd => Level::ERROR,
            // Clients routinely ask whether something exists.
            400.. if is_known && status != 404 => Level::INFO,
            _ if self.changed.load(Ordering::Relaxed) => Level::INFO,
            _ => Level::DEBUG,
        }
    }

    /// As much of the `User-Agent` as the audit trail keeps. It can be as long as a header may be.
    fn shown_user_agent(&self) -> Option<String> {
        self.user_agent.as_ref().map(|it| Origin::shortened(&String::from_utf8_lossy(it.as_bytes())))
    }

    fn shown_path(&self, service: Service) -> &str {
        let whole = self.uri.path_and_query().map(PathAndQuery::as_str).filter(|_| service.shows_query());
        let path = whole.unwrap_or_else(|| self.uri.path());
        // A path may not be ASCII, so it is cut between characters.
        let end = path.char_indices().nth(SHOWN).map_or(path.len(), |(at, _)| at);
        &path[..end]
    }
}
