//! The audit trail. Each account reads its own trail, and a root key reads the trail of every account.

use std::cmp::Reverse;

use gangplank_api::gangplank::{AuditEvent, AuditEventKind, ListAuditEventsRequest, ListAuditEventsResult};
use gangplank_api::{ApiError, Timestamp};
use gangplank_core::{AccessKeyId, AccountId, EventKind, LoginId, Owner, RoleName, Time};
use gangplank_store::metadata::{Metadata, audit as store};

use super::page::{limit, number};
use super::{Context, Result};
use crate::jobs;
use crate::refusals::Taken;

pub(super) async fn list(
    context: &Context<'_>,
    input: ListAuditEventsRequest,
) -> Result<ListAuditEventsResult> {
    // The list has to show even the latest refusals.
    jobs::audit::note(context.app, Taken::All).await;
    page(context.app.metadata.as_ref(), context.found.account.clone(), input).await
}

/// Lists events for somebody who can read the whole database.
///
/// # Errors
/// If the request has a mistake, or if the store fails.
pub async fn audit_events(
    metadata: &dyn Metadata,
    input: ListAuditEventsRequest,
) -> anyhow::Result<ListAuditEventsResult> {
    let account = input.account.as_deref().map(AccountId::parse).transpose()?;
    page(metadata, account, input).await.map_err(|failure| anyhow::anyhow!(failure.error.message))
}

/// A page of the events of an account, or of all accounts.
async fn page(
    metadata: &dyn Metadata,
    account: Option<AccountId>,
    input: ListAuditEventsRequest,
) -> Result<ListAuditEventsResult> {
    let before = input.next_token.as_deref().map(|token| number(token, "nextToken")).transpose()?;
    let limit = limit(input.max_results);
    let mut page = metadata.audit_events(&filter(account, input)?, before, limit).await?;
    // Some events are counted for a while before they are stored, so their order of storage is not their order
    // of time.
    page.events.sort_by_key(|event| Reverse((event.at, event.id)));
    Ok(ListAuditEventsResult {
        audit_events: page.events.into_iter().filter_map(shown).collect(),
        next_token: page.more.map(|id| id.to_string()),
    })
}

fn filter(account: Option<AccountId>, input: ListAuditEventsRequest) -> Result<store::AuditFilter> {
    let unreadable = |name: &str, form: &str| ApiError::invalid_input(format!("{name} is not {form}."));
    Ok(store::AuditFilter {
        account,
        since: input.since.map(|since| Time(since.0)),
        until: input.until.map(|until| Time(until.0)),
        kind: input.kind.and_then(|kind| EventKind::parse(kind.as_str())),
        access_key: input
            .access_key_id
            .map(|id| AccessKeyId::parse(&id).map_err(|_| unreadable("accessKeyId", "an access key's")))
            .transpose()?,
        role: input
            .role_name
            .map(|name| RoleName::parse(&name).map_err(|_| unreadable("roleName", "a role's")))
            .transpose()?,
        subject: input.subject,
        login: input.registry_login_id.map(|id| number(&id, "registryLoginId").map(LoginId)).transpose()?,
        repository: input.repository,
        digest: input.digest,
        address: input
            .address
            .map(|text| text.parse().map_err(|_| unreadable("address", "an IP address")))
            .transpose()?,
    })
}

fn shown(event: store::AuditEvent) -> Option<AuditEvent> {
    let role = event.owner.as_ref().and_then(Owner::as_role);
    let (session, claims) = event.session.map(|session| (session.name, session.claims)).unzip();
    Some(AuditEvent {
        role_name: role.map(|(name, _)| name.as_str().to_owned()),
        session_name: session.map(|name| name.as_str().to_owned()),
        claims: claims.filter(|claims| !claims.is_empty()),
        id: event.id.to_string(),
        at: Timestamp(event.at.0),
        kind: AuditEventKind::parse(event.kind.as_str())?,
        account: event.account.map(|account| account.as_str().to_owned()),
        region: event.region,
        access_key_id: event.owner.and_then(|owner| owner.access_key()).map(|key| key.as_str().to_owned()),
        registry_login_id: event.login.map(|login| login.0.to_string()),
        repository: event.repository,
        digest: event.digest,
        subject: event.subject,
        action: event.action,
        reason: event.reason,
        address: event.address,
        user_agent: event.user_agent,
        request_id: event.request,
        by_console: event.by_console.then_some(true),
        count: i32::try_from(event.count).unwrap_or(i32::MAX),
    })
}
