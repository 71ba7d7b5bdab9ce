//! The audit trail: a list with filters, and the same events as a file.

use gangplank_api::gangplank::{AuditEvent, AuditEventKind, ListAuditEventsRequest};
use gangplank_api::{ApiError, Timestamp};
use gangplank_console::{Audit, Command, Copied, EventRow, Filter, Moment, Place, Screen, escaped};
use gangplank_core::EventKind;

use super::super::answers::download;
use super::super::trouble::refused;
use super::super::visit::{Visit, shown};
use super::repositories::{manifest_page, page_of};
use super::roles;
use crate::http::response::Answer;

/// How many events are on a page.
const ON_A_PAGE: i32 = 100;
/// The most events in a file, the most events of one call, and the most calls for a file. A call may return
/// no event although later events match, so the number of calls needs a limit, too.
const IN_A_FILE: usize = 10_000;
const AT_ONCE: i32 = 1_000;
const MOST_CALLS: usize = 100;

/// The filters other than the kind: the name in the path, the label for people, and the option of the command.
const FILTERS: [(&str, &str, &str); 10] = [
    ("key", "Access key", "access-key-id"),
    ("role", "Role", "role"),
    ("login", "Login", "login"),
    ("repository", "Repository", "repository"),
    ("digest", "Digest", "digest"),
    ("subject", "Image, service or other thing", "subject"),
    ("address", "Address", "address"),
    ("since", "Since (UTC, 2026-11-28T07:00)", "since"),
    ("until", "Until (UTC)", "until"),
    ("account", "Account", "account"),
];

/// The path of the events with this value of a filter.
pub(super) fn path(place: &Place, filter: &str, value: &str) -> String {
    place.path(&format!("audit?{filter}={}", escaped(value)))
}

/// Shows a page of events.
pub(super) async fn list(visit: &Visit<'_>) -> Answer {
    let asked = wanted(visit, ON_A_PAGE);
    let asked = match asked {
        Ok(asked) => asked,
        Err(error) => return refused(visit, error, Some(visit.place().path("audit"))),
    };
    let page = match visit.call(&asked).await {
        Ok(page) => page,
        Err(error) => return refused(visit, error, None),
    };
    let (place, query) = (visit.place(), query(visit));
    let get = |name: &str| visit.asked.query.get(name).unwrap_or_default().to_owned();
    let kind = get("kind");
    let is_administrator = visit.caller.principal.is_administrator();
    let filters = FILTERS.iter().filter(|(name, ..)| *name != "account" || is_administrator);
    shown(&Audit {
        frame: visit.frame("Audit", Screen::Audit),
        action: place.path("audit"),
        kinds: EventKind::ALL.iter().map(|it| (it.as_str(), it.as_str() == kind)).collect(),
        filters: filters.map(|(name, label, _)| Filter { name, label, value: get(name) }).collect(),
        is_filtered: !query.is_empty(),
        rows: page.audit_events.into_iter().map(|event| row(&place, event)).collect(),
        next: page.next_token.map(|token| place.path(&format!("audit?{query}after={}", escaped(&token)))),
        export: place.path(&format!("audit/export?{query}")),
        command: Command::new("Shows the same events", command(visit)),
    })
}

/// The same events as a file of JSON lines, each in the form of the API.
pub(super) async fn export(visit: &Visit<'_>) -> Answer {
    match events(visit).await {
        Ok(lines) => download("audit.jsonl", lines),
        Err(error) => refused(visit, error, Some(visit.place().path("audit"))),
    }
}

async fn events(visit: &Visit<'_>) -> Result<Vec<u8>, ApiError> {
    let mut asked = wanted(visit, AT_ONCE)?;
    let (mut lines, mut count) = (Vec::new(), 0);
    for _ in 0..MOST_CALLS {
        let page = visit.call(&asked).await?;
        for event in page.audit_events {
            serde_json::to_writer(&mut lines, &event)
                .map_err(|error| ApiError::service(format!("An event cannot be written: {error}")))?;
            lines.push(b'\n');
            count += 1;
        }
        asked.next_token = page.next_token;
        if asked.next_token.is_none() || count >= IN_A_FILE {
            break;
        }
    }
    Ok(lines)
}

/// The call that the filters ask for.
fn wanted(visit: &Visit<'_>, at_once: i32) -> Result<ListAuditEventsRequest, ApiError> {
    let query = &visit.asked.query;
    let text = |name| query.get(name).map(str::to_owned);
    let moment = |name| {
        let read = |text: &str| {
            let message = format!("{text} is no moment: write 2026-11-28 or 2026-11-28T07:00, in UTC.");
            Moment::read(text).map(|at| Timestamp(at.0)).ok_or_else(|| ApiError::invalid_input(message))
        };
        query.get(name).map(read).transpose()
    };
    let kind = query.get("kind").map(|kind| {
        let message = format!("There is no kind of event {kind}.");
        AuditEventKind::parse(kind).ok_or_else(|| ApiError::invalid_input(message))
    });
    Ok(ListAuditEventsRequest {
        account: text("account"),
        since: moment("since")?,
        until: moment("until")?,
        kind: kind.transpose()?,
        access_key_id: text("key"),
        role_name: text("role"),
        registry_login_id: text("login"),
        repository: text("repository"),
        digest: text("digest"),
        subject: text("subject"),
        address: text("address"),
        max_results: Some(at_once),
        next_token: text("after"),
    })
}

/// The filters as the beginning of a query.
fn query(visit: &Visit<'_>) -> String {
    let names = FILTERS.iter().map(|(name, ..)| *name).chain(["kind"]);
    let asked = names.filter_map(|name| Some((name, visit.asked.query.get(name)?)));
    asked.fold(String::new(), |query, (name, value)| query + name + "=" + &escaped(value) + "&")
}

fn command(visit: &Visit<'_>) -> String {
    let asked = |name| visit.asked.query.get(name).filter(|value| is_plain(value));
    let options = FILTERS.iter().map(|(name, _, option)| (*name, *option)).chain([("kind", "kind")]);
    let options: String =
        options.filter_map(|(name, option)| Some(format!(" --{option} {}", asked(name)?))).collect();
    format!("gangplank audit{options} --endpoint-url {}", visit.endpoint())
}

/// Whether a shell leaves a text as it is, without quotes.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:@+=,".contains(&byte))
}

fn row(place: &Place, event: AuditEvent) -> EventRow {
    let link = |name: &str, value: &String| Some(path(place, name, value));
    let mut who = Vec::new();
    if let Some(role) = &event.role_name {
        who.push((format!("role {role}"), Some(roles::page_of(place, role))));
    }
    who.extend(event.session_name.as_ref().map(|session| (format!("session {session}"), None)));
    who.extend(event.access_key_id.as_ref().map(|key| (key.clone(), link("key", key))));
    who.extend(
        event.registry_login_id.as_ref().map(|login| (format!("login {login}"), link("login", login))),
    );
    if event.by_console == Some(true) {
        who.push(("on the console".to_owned(), None));
    }
    let mut what = Vec::new();
    what.extend(event.subject.as_ref().map(|subject| (subject.clone(), link("subject", subject))));
    what.extend(event.repository.as_ref().map(|name| (name.clone(), Some(page_of(place, name)))));
    if let (Some(repository), Some(digest)) = (&event.repository, &event.digest) {
        what.push(("the manifest".to_owned(), Some(manifest_page(place, repository, digest))));
    }
    let elsewhere = event.account.as_ref().filter(|account| **account != place.account);
    what.extend(elsewhere.map(|account| (format!("account {account}"), link("account", account))));
    EventRow {
        at: Moment(event.at.0),
        kind: event.kind.as_str(),
        who,
        what,
        digest: event.digest.as_ref().map(|digest| Copied::digest(digest, "the content")),
        why: event.action.into_iter().chain(event.reason).collect(),
        from: event.address,
        agent: event.user_agent,
        count: (event.count > 1).then_some(event.count),
    }
}
