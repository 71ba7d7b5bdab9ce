//! The list of registry logins.

use std::collections::HashMap;

use gangplank_api::gangplank::{
    ListRegistryLoginsRequest, RegistryLoginScope, RegistryLoginStatus, RegistryLoginSummary,
};
use gangplank_console::{Command, LoginRow, Logins, Moment, Place, Screen, State, Tone, escaped};

use super::super::trouble::refused;
use super::super::visit::{Visit, shown};
use super::audit;
use crate::http::response::Answer;

/// How many logins are on a page.
const ON_A_PAGE: i32 = 200;

/// Shows a page of the logins, live ones first.
pub(super) async fn list(visit: &Visit<'_>) -> Answer {
    let next_token = visit.asked.query.get("after").map(str::to_owned);
    let asked = ListRegistryLoginsRequest { max_results: Some(ON_A_PAGE), next_token };
    let page = match visit.call(&asked).await {
        Ok(page) => page,
        Err(error) => return refused(visit, error, None),
    };
    let place = visit.place();
    let mut live = HashMap::new();
    for login in page.registry_logins.iter().filter(|login| is_live(login)) {
        *live.entry(maker(login)).or_insert(0_usize) += 1;
    }
    let mut rows: Vec<LoginRow> =
        page.registry_logins.iter().map(|login| row(&place, &live, login)).collect();
    // The sort is stable: within each half, the order of time stays.
    rows.sort_by_key(|row| row.revoke.is_none());
    let command = format!(
        "gangplank registry-login list --endpoint-url {} --region {}",
        visit.endpoint(),
        place.region
    );
    shown(&Logins {
        frame: visit.frame("Logins", Screen::Logins),
        rows,
        next: page.next_token.map(|token| place.path(&format!("logins?after={}", escaped(&token)))),
        command: Command::new("Lists the same logins", command),
    })
}

/// Whether the registry accepts a login.
pub(super) fn is_live(login: &RegistryLoginSummary) -> bool {
    login.status == RegistryLoginStatus::Active
}

/// The maker of a login, as a part of a query.
pub(super) fn maker(login: &RegistryLoginSummary) -> Option<String> {
    let of = |name: &str, value: &String| format!("{name}={}", escaped(value));
    let role = login.role_name.as_ref().map(|role| of("role", role));
    role.or_else(|| login.access_key_id.as_ref().map(|key| of("key", key)))
}

fn row(place: &Place, live: &HashMap<Option<String>, usize>, login: &RegistryLoginSummary) -> LoginRow {
    let is_live = is_live(login);
    let has = |word| login.scope.contains(&word);
    let kind = match (has(RegistryLoginScope::Push), has(RegistryLoginScope::Pull), &login.service_name) {
        (false, true, Some(_)) => "pull",
        (true, false, _) if !has(RegistryLoginScope::Delete) => "push",
        _ => "operator",
    };
    let mut reach = Vec::new();
    if kind == "operator" {
        let words: Vec<&str> = login.scope.iter().map(|word| word.as_str()).collect();
        reach.push(format!("may {}", words.join(", ")));
    }
    reach.extend(login.service_name.as_ref().map(|service| format!("images of {service}")));
    reach.extend(login.repositories.as_ref().map(|names| format!("only {}", names.join(", "))));
    reach.extend(login.source_networks.as_ref().map(|networks| format!("only from {}", networks.join(", "))));
    let maker = maker(login);
    let made_by = match (&login.role_name, &login.access_key_id) {
        (Some(role), _) => format!("role {role}"),
        (None, Some(key)) => key.clone(),
        (None, None) => "the server".to_owned(),
    };
    let claim = |name: &str| login.claims.as_ref().and_then(|claims| claims.get(name)).cloned();
    let job = [login.session_name.clone(), claim("repository").or_else(|| claim("project_path"))];
    // A single login has its own button.
    let has_more = live.get(&maker).is_some_and(|count| *count > 1);
    LoginRow {
        state: State::new(
            login.status.as_str().to_lowercase(),
            if is_live { Tone::Good } else { Tone::Over },
        ),
        kind,
        reach,
        made_by,
        job: job.into_iter().flatten().collect(),
        revoke_all: maker
            .filter(|_| is_live && has_more)
            .map(|maker| place.path(&format!("logins/revoke-all?{maker}"))),
        made: Moment(login.created_at.0),
        ends: Moment(login.expires_at.0),
        used: login.last_used_at.map(|at| Moment(at.0)),
        pushed: login.last_push_at.map(|at| Moment(at.0)),
        from: login.last_push_address.clone(),
        revoke: is_live.then(|| place.path(&format!("logins/revoke?id={}", escaped(&login.id)))),
        events: audit::path(place, "login", &login.id),
        id: login.id.clone(),
    }
}
