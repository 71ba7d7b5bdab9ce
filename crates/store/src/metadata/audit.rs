//! The audit trail: who did what, and from where. A transaction that changes something also records the event, with its
//! [`Origin`] as the cause.

use std::net::IpAddr;

use async_trait::async_trait;
use gangplank_core::{AccessKeyId, AccountId, EventKind, LoginId, Origin, Owner, RoleName, Tenant, Time};

use super::provenance::SessionSource;
use crate::Result;

/// An event, as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its number. A later event has a greater one.
    pub id: i64,
    /// When it happened, by the wall clock.
    pub at: Time,
    /// The account in whose trail it is; `None` if the account is unknown.
    pub account: Option<AccountId>,
    /// The region that it concerns.
    pub region: Option<String>,
    /// The kind of event.
    pub kind: EventKind,
    /// The principal that caused it, itself or by a login that it made.
    pub owner: Option<Owner>,
    /// The login that caused it, or that it happened to.
    pub login: Option<LoginId>,
    /// The repository that it concerns.
    pub repository: Option<String>,
    /// The digest of the content that it concerns.
    pub digest: Option<String>,
    /// The other thing that it concerns: an image's name, tags, a service, an access key.
    pub subject: Option<String>,
    /// For a refusal: the action that the caller asked for.
    pub action: Option<String>,
    /// The reason, for example for a refusal or a failure.
    pub reason: Option<String>,
    /// The address that the request came from.
    pub address: Option<String>,
    /// The `User-Agent` of the request.
    pub user_agent: Option<String>,
    /// The id of the request, if one request caused it.
    pub request: Option<String>,
    /// If a role's session or its login caused it: the session.
    pub session: Option<SessionSource>,
    /// Whether it was done in the web console.
    pub by_console: bool,
    /// How often it happened. Equal refusals are counted in one event.
    pub count: u64,
}

/// Which events to list: those that meet every condition that is set.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Events of this account. `None` means events of all accounts and of unknown accounts.
    pub account: Option<AccountId>,
    /// Events at this time or later, by the wall clock.
    pub since: Option<Time>,
    /// Events before this time, by the wall clock.
    pub until: Option<Time>,
    /// Events of this kind.
    pub kind: Option<EventKind>,
    /// Events that this access key or a login of it caused, or that changed this access key.
    pub access_key: Option<AccessKeyId>,
    /// Events that a role of this name, its sessions or their logins caused, or that changed the role.
    pub role: Option<RoleName>,
    /// Events about this subject.
    pub subject: Option<String>,
    /// Events that this login caused, or that changed it.
    pub login: Option<LoginId>,
    /// Events in this repository.
    pub repository: Option<String>,
    /// Events about the content with this digest.
    pub digest: Option<String>,
    /// Events caused by a client with this address.
    pub address: Option<IpAddr>,
}

/// A page of events, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// The events. A page may be empty although more pages follow.
    pub events: Vec<AuditEvent>,
    /// The next page starts before this number; `None` at the end.
    pub more: Option<i64>,
}

/// How many events one page looks at, so that no query takes long.
pub const LOOKED_AT: usize = 10_000;

/// Equal events that were counted in memory, to be recorded as one.
#[derive(Clone, Debug)]
pub struct Tallied {
    /// The kind of event.
    pub kind: EventKind,
    /// The principal and the address that caused them, and the time of the last one.
    pub origin: Origin,
    /// The tenant of their login or key, if they have one.
    pub tenant: Option<Tenant>,
    /// The repository that they concern.
    pub repository: Option<String>,
    /// The digest of the content that they concern.
    pub digest: Option<String>,
    /// The other thing that they concern.
    pub subject: Option<String>,
    /// For a refusal: the action that the caller asked for.
    pub action: Option<String>,
    /// For a refusal: the reason.
    pub reason: Option<String>,
    /// How many events there were.
    pub count: u64,
}

/// Stores the audit trail.
#[async_trait]
pub trait AuditTrail: Send + Sync {
    /// A page of at most `limit` events with numbers below `before`, newest first.
    async fn audit_events(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<AuditPage>;
    /// Records events that change no other row.
    async fn note(&self, events: Vec<Tallied>) -> Result<()>;
    /// Forgets events that were recorded before `before`, by the steady time, and the oldest events of every
    /// account that has more than `most`. Each kind of events has its part of `most`: pushes a half, refusals a
    /// tenth. Returns how many events were forgotten. One call forgets only a part, so that nobody waits for
    /// it; call it until it returns 0.
    async fn forget_events(&self, before: Time, most: u64) -> Result<usize>;
}
