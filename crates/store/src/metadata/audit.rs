//! The audit trail: who did what, from where. A change is noted in the transaction that makes it, as the doing of the
//! [`Origin`] that it takes.

use std::net::IpAddr;

use async_trait::async_trait;
use gangplank_core::{AccessKeyId, AccountId, EventKind, LoginId, Origin, Owner, RoleName, Tenant, Time};

use super::provenance::SessionSource;
use crate::Result;

/// An event as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its number: of two events the later has the greater.
    pub id: i64,
    /// When, by the wall clock.
    pub at: Time,
    /// Whose trail it belongs to; none where nobody knows.
    pub account: Option<AccountId>,
    /// In which region.
    pub region: Option<String>,
    /// What happened.
    pub kind: EventKind,
    /// The principal that did it, itself or by its login.
    pub owner: Option<Owner>,
    /// The login that did it, or that it was done to.
    pub login: Option<LoginId>,
    /// In which repository.
    pub repository: Option<String>,
    /// To which content.
    pub digest: Option<String>,
    /// To what else: an image's name, tags, a service, an access key.
    pub subject: Option<String>,
    /// For a refusal: the action that was asked for.
    pub action: Option<String>,
    /// For a refusal: why.
    pub reason: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// The id of the request, if it was one.
    pub request: Option<String>,
    /// For a change by a session of a role, or by its login: the session.
    pub session: Option<SessionSource>,
    /// Whether it was done on the web console.
    pub by_console: bool,
    /// How many times: refusals that are alike are counted.
    pub count: u64,
}

/// Which events to show: those that fit all that is given.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Of this account; of all, and of nobody known, if `None`.
    pub account: Option<AccountId>,
    /// At this time or later, by the wall clock.
    pub since: Option<Time>,
    /// Before this time, by the wall clock.
    pub until: Option<Time>,
    /// Of this kind.
    pub kind: Option<EventKind>,
    /// By this access key or its logins, or to this access key.
    pub access_key: Option<AccessKeyId>,
    /// By a role of this name, its sessions or their logins, or to it.
    pub role: Option<RoleName>,
    /// To this thing.
    pub subject: Option<String>,
    /// By or to this login.
    pub login: Option<LoginId>,
    /// In this repository.
    pub repository: Option<String>,
    /// To this content.
    pub digest: Option<String>,
    /// From this address.
    pub address: Option<IpAddr>,
}

/// A page of events, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// The events; there may be none, and still more to come.
    pub events: Vec<AuditEvent>,
    /// Where the next page starts, if there is one.
    pub more: Option<i64>,
}

/// How many events are looked at for one page, so that no question takes long.
pub const LOOKED_AT: usize = 10_000;

/// Events that are alike, counted in memory before they are noted together.
#[derive(Clone, Debug)]
pub struct Tallied {
    /// What happened.
    pub kind: EventKind,
    /// Who, from where, and when for the last time.
    pub origin: Origin,
    /// Where their login or key works, if they have one.
    pub tenant: Option<Tenant>,
    /// In which repository.
    pub repository: Option<String>,
    /// To which content.
    pub digest: Option<String>,
    /// To what else.
    pub subject: Option<String>,
    /// For a refusal: the action that was asked for.
    pub action: Option<String>,
    /// For a refusal: why.
    pub reason: Option<String>,
    /// How many.
    pub count: u64,
}

/// Keeps the audit trail.
#[async_trait]
pub trait AuditTrail: Send + Sync {
    /// A page of at most `limit` events with numbers less than `before`, the newest first.
    async fn audit_events(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<AuditPage>;
    /// Notes events that change no other row.
    async fn note(&self, events: Vec<Tallied>) -> Result<()>;
    /// Forgets events noted before `before` by the steady time, and of every account all but the newest
    /// `most`, of which a tenth may be refusals; returns how many. One call forgets a part of many, so that
    /// nobody waits for it. To forget all, call until it returns 0.
    async fn forget_events(&self, before: Time, most: u64) -> Result<usize>;
}
