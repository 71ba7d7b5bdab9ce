//! Follows the audit trail: asks for new events again and again, until the output is closed.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Result;
use gangplank_api::gangplank::{AuditEvent, ListAuditEventsRequest};

use super::columns::EVENTS;
use super::source::Source;
use super::{PAGE, events, number};
use crate::system::reader_gone;
use crate::terminal::listing::Form;
use crate::terminal::output;

const PAUSE: Duration = Duration::from_secs(1);

/// Shows the newest events, then each new one, the newest last.
pub(super) async fn run(
    source: &Source,
    request: ListAuditEventsRequest,
    limit: usize,
    form: Form,
) -> Result<()> {
    let mut newest = latest(source, &request).await?;
    let mut first = events(source, request.clone(), limit).await?;
    first.reverse();
    show(form, &first)?;
    newest = first.iter().map(number).max().unwrap_or_default().max(newest);
    let gone = reader_gone();
    tokio::pin!(gone);
    loop {
        tokio::select! {
            () = &mut gone => return Ok(()),
            () = tokio::time::sleep(PAUSE) => {}
        }
        let reached = latest(source, &request).await?;
        if reached <= newest {
            continue;
        }
        let mut new = events_after(source, &request, newest).await?;
        newest = new.iter().map(number).max().unwrap_or_default().max(reached);
        new.sort_by_key(|event| (event.at.0, number(event)));
        show(form, &new)?;
    }
}

/// The number of the newest event of any kind. Later requests begin there, so that events that do not match are not
/// read again and again.
async fn latest(source: &Source, request: &ListAuditEventsRequest) -> Result<i64> {
    let any = ListAuditEventsRequest {
        account: request.account.clone(),
        max_results: Some(1),
        ..ListAuditEventsRequest::default()
    };
    Ok(source.page(&any).await?.audit_events.first().map(number).unwrap_or_default())
}

/// The events with numbers above `newest`. Reads page after page until one reaches that number.
async fn events_after(
    source: &Source,
    request: &ListAuditEventsRequest,
    newest: i64,
) -> Result<Vec<AuditEvent>> {
    let mut request = ListAuditEventsRequest { max_results: i32::try_from(PAGE).ok(), ..request.clone() };
    let (mut new, mut seen) = (Vec::new(), HashSet::new());
    loop {
        let page = source.page(&request).await?;
        let reached = page.audit_events.iter().any(|event| number(event) <= newest);
        new.extend(page.audit_events.into_iter().filter(|event| number(event) > newest));
        // The token of a page is the number of the last event that the server looked at.
        let more = page.next_token.filter(|token| token.parse().is_ok_and(|last: i64| last > newest));
        match more {
            Some(token) if !reached && seen.insert(token.clone()) => request.next_token = Some(token),
            _ => return Ok(new),
        }
    }
}

fn show(form: Form, events: &[AuditEvent]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    match form {
        Form::Json => {
            events.iter().try_for_each(|event| output::text(&format!("{}\n", EVENTS.object(event))))
        }
        // The widths of columns would change while the list grows, so no table is shown.
        Form::Text | Form::Table => output::text(&EVENTS.lines(events)),
    }
}
