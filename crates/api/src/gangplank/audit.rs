//! The audit trail: who did what, from where.

use super::page::{MAX_RESULTS, NEXT_TOKEN};
use super::roles::ROLE_NAME;
use crate::describe::Map;
use crate::macros::{enumeration, structure};
use crate::pattern::{ACCOUNT as ACCOUNT_FORM, IDENTIFIER};
use crate::{Range, Shape, Timestamp};

const ACCOUNT: Shape = Shape::text("Account", Range::ANY, &ACCOUNT_FORM);
const IDENTIFIED: Shape = Shape::text("Identifier", Range::ANY, &IDENTIFIER);

gangplank_core::event_kinds!(enumeration! {
    /// What happened.
    pub enum AuditEventKind
});

structure! {
    /// Which events to show: those that fit all that is given.
    pub struct ListAuditEventsRequest: Default {
        /// The account whose events to show; without it, all that the caller may see are shown.
        "account" account: Option<String> as &ACCOUNT,
        /// Only events of this moment and later.
        "since" since: Option<Timestamp>,
        /// Only events before this moment.
        "until" until: Option<Timestamp>,
        /// Only events of this kind.
        "kind" kind: Option<AuditEventKind>,
        /// Only what this access key did, itself or by its logins, or what was done to it.
        "accessKeyId" access_key_id: Option<String> as &IDENTIFIED,
        /// Only what this role did, by its sessions or their logins, or what was done to it, refusals of tokens included.
        "roleName" role_name: Option<String> as &ROLE_NAME,
        /// Only what this registry login did, or what was done to it.
        "registryLoginId" registry_login_id: Option<String> as &IDENTIFIED,
        /// Only what happened in this repository.
        "repository" repository: Option<String>,
        /// Only what was done to this content.
        "digest" digest: Option<String>,
        /// Only what was done to this: an image such as :web.app.7, a container service, an access key, a role.
        "subject" subject: Option<String>,
        /// Only what came from this address.
        "address" address: Option<String>,
        /// How many events to show at the most; up to 1000 if not given.
        "maxResults" max_results: Option<i32> as &MAX_RESULTS,
        /// The nextToken of the page before.
        "nextToken" next_token: Option<String> as &NEXT_TOKEN,
    }
}

structure! {
    /// A page of events.
    pub struct ListAuditEventsResult: Default {
        /// The events, the newest first; there may be none on a page that is followed by another.
        "auditEvents" audit_events: Vec<AuditEvent>,
        /// What to ask for the next page with, if there is one.
        "nextToken" next_token: Option<String>,
    }
}

structure! {
    /// Something that happened.
    pub struct AuditEvent {
        /// The identifier of the event.
        "id" id: String,
        /// When it happened.
        "at" at: Timestamp,
        /// What happened.
        "kind" kind: AuditEventKind,
        /// Whose trail it belongs to; nobody's, if a caller was refused that nobody knows.
        "account" account: Option<String> as &ACCOUNT,
        /// In which region it happened.
        "region" region: Option<String>,
        /// The access key that did it, itself or by its logins.
        "accessKeyId" access_key_id: Option<String>,
        /// The role that did it, by a session, or by a session's logins.
        "roleName" role_name: Option<String>,
        /// The name of the session, if it is known.
        "sessionName" session_name: Option<String>,
        /// What the issuer of the session's token said of the job.
        "claims" claims: Option<Map<String>>,
        /// The registry login that did it, or that it was done to.
        "registryLoginId" registry_login_id: Option<String>,
        /// The repository that it was done in.
        "repository" repository: Option<String>,
        /// The content that it was done to.
        "digest" digest: Option<String>,
        /// What else it was done to: an image, tags, a container service, an access key, a role; or what a login may do; or
        /// the share of the trail that was forgotten: pushes, refusals, logins or rest.
        "subject" subject: Option<String>,
        /// What was asked for, if it was refused.
        "action" action: Option<String>,
        /// Why it was refused.
        "reason" reason: Option<String>,
        /// The address that it came from.
        "address" address: Option<String>,
        /// What the client called itself.
        "userAgent" user_agent: Option<String>,
        /// The request that did it, as the server's log and the answer's `X-Request-Id` have it; none of what was
        /// counted or happened by itself.
        "requestId" request_id: Option<String>,
        /// True if it was done on the web console.
        "byConsole" by_console: Option<bool>,
        /// How many times it happened: refusals that are alike are counted, and so is what was forgotten.
        "count" count: i32,
    }
}
