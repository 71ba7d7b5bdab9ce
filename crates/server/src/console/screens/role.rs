//! One role: whom it trusts, its sessions, and refused callers.

use gangplank_api::gangplank::{
    AuditEvent, AuditEventKind, GetRoleRequest, ListAuditEventsRequest, ListRoleSessionsRequest, Role,
    RoleSession,
};
use gangplank_console::{
    Command, Copied, Moment, Place, RefusalRow, Rights, RolePage, Screen, SessionRow, escaped,
};

use super::super::trouble::{not_found, refused};
use super::super::visit::{Visit, shown};
use super::{audit, rights, roles};
use crate::http::response::Answer;

/// How many sessions, and how many refusals, are on a page.
const SESSIONS: i32 = 100;
const REFUSALS: i32 = 50;

/// Shows a role.
pub(super) async fn show(visit: &Visit<'_>) -> Answer {
    let Some(name) = visit.asked.query.get("name") else { return not_found(visit) };
    let role = match visit.call(&GetRoleRequest { role_name: name.to_owned() }).await {
        Ok(answer) => answer.role,
        Err(error) => return refused(visit, error, Some(visit.place().path("roles"))),
    };
    let place = visit.place();
    let (sessions, no_sessions, more_sessions) = sessions(visit, &place, &role).await;
    let (refusals, no_refusals) = refusals(visit, &role).await;
    let to = |word: &str| place.path(&format!("roles/{word}?name={}", escaped(&role.role_name)));
    let is_active = role.status == gangplank_api::gangplank::RoleStatus::Active;
    let change = if is_active { ("Disable", to("disable")) } else { ("Enable", to("enable")) };
    let trial = format!(
        "gangplank role try {} --token-file token.jwt --endpoint-url {}",
        role.role_name,
        visit.endpoint()
    );
    shown(&RolePage {
        frame: visit.frame(role.role_name.as_str(), Screen::Roles),
        state: roles::state(&role),
        arn: Copied::whole(role.arn.as_str(), "ARN of the role"),
        made: Moment(role.created_at.0),
        used: role.last_used_at.map(|at| Moment(at.0)),
        trust: Rights {
            words: rights::of_trust(&role.trust_policy),
            policy: Some(role.trust_policy.clone()),
        },
        rights: may(&role),
        remembered: role.remembered_claims.iter().flatten().map(pair).collect(),
        lives: lives(&role),
        sessions,
        no_sessions,
        more_sessions,
        refusals,
        no_refusals,
        actions: vec![
            change,
            ("Delete", to("delete")),
            ("Events", audit::path(&place, "role", &role.role_name)),
        ],
        trial: Command::new("Says of a token whether it opens this role, and why not", trial),
        made_by: role.created_by,
        description: role.description,
    })
}

fn pair((claim, value): (&String, &String)) -> (String, String) {
    (claim.clone(), value.clone())
}

fn may(role: &Role) -> Rights {
    let mut words = rights::of_policy(&role.policy);
    words.extend(role.repositories.as_ref().map(|names| format!("logins for {}", names.join(", "))));
    words.extend(role.source_networks.as_ref().map(|networks| format!("only from {}", networks.join(", "))));
    Rights { words, policy: Some(role.policy.clone()) }
}

fn lives(role: &Role) -> String {
    let sessions = format!("sessions {} seconds at most", role.max_session_seconds);
    match role.max_login_seconds {
        Some(logins) => format!("{sessions}, logins {logins} seconds at most"),
        None => format!("{sessions}, logins until their session ends"),
    }
}

type Sessions = (Vec<SessionRow>, Option<String>, Option<String>);

/// A page of the sessions, or the reason why they cannot be shown, and the path of the next page.
async fn sessions(visit: &Visit<'_>, place: &Place, role: &Role) -> Sessions {
    let asked = ListRoleSessionsRequest {
        role_name: role.role_name.clone(),
        max_results: Some(SESSIONS),
        next_token: visit.asked.query.get("after").map(str::to_owned),
    };
    let page = match visit.call(&asked).await {
        Ok(page) => page,
        Err(error) => return (Vec::new(), Some(error.message), None),
    };
    let more = page.next_token.map(|token| {
        format!("{}&after={}#sessions", roles::page_of(place, &role.role_name), escaped(&token))
    });
    let none = page.role_sessions.is_empty().then(|| "There are none here that have not ended.".to_owned());
    let row = |session: RoleSession| SessionRow {
        revoke: place.path(&format!(
            "roles/revoke-session?name={}&key={}",
            escaped(&role.role_name),
            escaped(&session.access_key_id)
        )),
        id: session.access_key_id,
        name: session.session_name,
        began: Moment(session.created_at.0),
        ends: Moment(session.expires_at.0),
        claims: session.claims.iter().map(pair).collect(),
    };
    (page.role_sessions.into_iter().map(row).collect(), none, more)
}

/// The callers that were refused lately, or the reason why they cannot be shown.
async fn refusals(visit: &Visit<'_>, role: &Role) -> (Vec<RefusalRow>, Option<String>) {
    let mut rows = Vec::new();
    for kind in [AuditEventKind::CallRefused, AuditEventKind::RequestRefused] {
        let asked = ListAuditEventsRequest {
            account: Some(role.account.clone()),
            role_name: Some(role.role_name.clone()),
            kind: Some(kind),
            max_results: Some(REFUSALS),
            ..Default::default()
        };
        match visit.call(&asked).await {
            Ok(page) => rows.extend(page.audit_events.into_iter().map(refusal)),
            Err(error) => return (Vec::new(), Some(error.message)),
        }
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.at));
    let none = rows.is_empty().then(|| "Nobody was refused lately.".to_owned());
    (rows, none)
}

fn refusal(event: AuditEvent) -> RefusalRow {
    RefusalRow {
        at: Moment(event.at.0),
        reason: event.reason.unwrap_or_default(),
        action: event.action.unwrap_or_default(),
        address: event.address,
        count: event.count,
    }
}
