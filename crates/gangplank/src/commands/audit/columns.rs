//! The columns of an event.

use gangplank_api::gangplank::AuditEvent;

use crate::terminal::listing::{Cell, Column, Listing};

/// Text and JSON have all members. A table has only the members that fit a terminal.
pub(super) const EVENTS: Listing<AuditEvent> = Listing {
    name: "auditEvents",
    empty: "There are no such events.",
    columns: &[
        Column::not_in_text("id", |event| Cell::words(&event.id)),
        Column::new("AT", "at", |event: &AuditEvent| Cell::Time(event.at)).bare(),
        Column::new("KIND", "kind", |event: &AuditEvent| Cell::words(event.kind.as_str())).bare(),
        Column::new("ACCOUNT", "account", |event| Cell::maybe(event.account.as_deref())),
        Column::new("REGION", "region", |event| Cell::maybe(event.region.as_deref())),
        Column::new("ACCESS KEY", "accessKeyId", |event| Cell::maybe(event.access_key_id.as_deref())),
        Column::new("ROLE", "roleName", |event| Cell::maybe(event.role_name.as_deref())),
        Column::new("SESSION", "sessionName", |event| Cell::maybe(event.session_name.as_deref())),
        Column::not_in_tables("claims", |event| event.claims.clone().map_or(Cell::Nothing, Cell::Named)),
        Column::new("LOGIN", "registryLoginId", |event| Cell::maybe(event.registry_login_id.as_deref())),
        Column::new("REPOSITORY", "repository", |event| Cell::maybe(event.repository.as_deref())),
        Column::not_in_tables("digest", |event| Cell::maybe(event.digest.as_deref())),
        Column::in_tables("DIGEST", |event| Cell::maybe(event.digest.as_deref().map(short))),
        Column::new("SUBJECT", "subject", |event| Cell::maybe(event.subject.as_deref())),
        Column::new("ACTION", "action", |event| Cell::maybe(event.action.as_deref())),
        Column::new("REASON", "reason", |event| Cell::maybe(event.reason.as_deref())),
        Column::new("FROM", "address", |event| Cell::maybe(event.address.as_deref())),
        Column::not_in_tables("userAgent", |event| Cell::maybe(event.user_agent.as_deref())),
        Column::not_in_tables("requestId", |event| Cell::maybe(event.request_id.as_deref())),
        Column::not_in_tables("byConsole", |event| event.by_console.map_or(Cell::Nothing, Cell::Truth)),
        Column::new("COUNT", "count", |event| Cell::Times(u64::try_from(event.count).unwrap_or(1))),
    ],
    sentence: None,
};

/// The beginning of a digest, long enough to recognise it.
fn short(digest: &str) -> &str {
    let hex = digest.split_once(':').map_or(digest, |(_, hex)| hex);
    hex.get(..12).unwrap_or(hex)
}
