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
    /// The kind of an event.
    pub enum AuditEventKind
});

structure! {
    /// The events to show: those that match all of these members.
    pub struct ListAuditEventsRequest: Default {
        /// The account whose events to show; without it, all that the caller may see are shown.
        "account" account: Option<String> as &ACCOUNT,
        /// Only events from this time on.
        "since" since: Option<Timestamp>,
        /// Only events before this time.
        "until" until: Option<Timestamp>,
        /// Only events of this kind.
        "kind" kind: Option<AuditEventKind>,
        /// Only events in which this access key acted, itself or by its logins, or was changed.
        "accessKeyId" access_key_id: Option<String> as &IDENTIFIED,
        /// Only events in which this role acted, by its sessions or their logins, or was changed; refused tokens
        /// included.
        "roleName" role_name: Option<String> as &ROLE_NAME,
        /// Only events in which this registry login acted, or was changed.
        "registryLoginId" registry_login_id: Option<String> as &IDENTIFIED,
        /// Only events in this repository.
        "repository" repository: Option<String>,
        /// Only events about the content with this digest.
        "digest" digest: Option<String>,
        /// Only events about this: an image such as :web.app.7, a container service, an access key, a role.
        "subject" subject: Option<String>,
        /// Only events that this address caused.
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
        /// The events, the newest first; a page may be empty although another follows.
        "auditEvents" audit_events: Vec<AuditEvent>,
        /// The token for the next page, if there is one.
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
        /// The kind of the event.
        "kind" kind: AuditEventKind,
        /// The account whose trail has the event; missing if an unknown caller was refused.
        "account" account: Option<String> as &ACCOUNT,
        /// The region in which it happened.
        "region" region: Option<String>,
        /// The access key that acted, itself or by its logins.
        "accessKeyId" access_key_id: Option<String>,
        /// The role that acted, by a session or by a session's logins.
        "roleName" role_name: Option<String>,
        /// The name of the session, if it is known.
        "sessionName" session_name: Option<String>,
        /// The claims that the issuer of the session's token made about the job.
        "claims" claims: Option<Map<String>>,
        /// The registry login that acted, or that was changed.
        "registryLoginId" registry_login_id: Option<String>,
        /// The repository in which it happened.
        "repository" repository: Option<String>,
        /// The digest of the content that it is about.
        "digest" digest: Option<String>,
        /// Anything else that it is about: an image, tags, a container service, an access key, a role; or the scope
        /// of a login; or the share of the trail that was forgotten: pushes, refusals, logins or rest.
        "subject" subject: Option<String>,
        /// The refused action.
        "action" action: Option<String>,
        /// Why it was refused.
        "reason" reason: Option<String>,
        /// The address that the request came from.
        "address" address: Option<String>,
        /// What the client called itself.
        "userAgent" user_agent: Option<String>,
        /// The id of the request, as in the server's log and the answer's `X-Request-Id`; missing for events that
        /// were counted or happened by themselves.
        "requestId" request_id: Option<String>,
        /// True if it was done on the web console.
        "byConsole" by_console: Option<bool>,
        /// The number of times that it happened: equal refusals are counted, and so are forgotten events.
        "count" count: i32,
    }
}
