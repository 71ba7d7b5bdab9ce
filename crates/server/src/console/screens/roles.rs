//! The list of roles.

use gangplank_api::gangplank::{ListRolesRequest, Role, RoleStatus};
use gangplank_console::{Command, Moment, Place, RoleRow, Roles, Screen, State, Tone, escaped};

use super::super::trouble::refused;
use super::super::visit::{Visit, shown};
use super::rights;
use crate::http::response::Answer;

/// How many roles are on a page.
const ON_A_PAGE: i32 = 200;

/// Shows a page of the roles, by name.
pub(super) async fn list(visit: &Visit<'_>) -> Answer {
    let next_token = visit.asked.query.get("after").map(str::to_owned);
    let asked = ListRolesRequest { max_results: Some(ON_A_PAGE), next_token };
    let page = match visit.call(&asked).await {
        Ok(page) => page,
        Err(error) => return refused(visit, error, None),
    };
    let place = visit.place();
    let command = format!(
        "gangplank role create ci --github OWNER/REPOSITORY --preset push --endpoint-url {} --region {}",
        visit.endpoint(),
        place.region
    );
    shown(&Roles {
        rows: page.roles.iter().map(|role| row(&place, role)).collect(),
        first_steps: vec![Command::new("Make a role for the jobs of a repository on GitHub", command)],
        next: page.next_token.map(|token| place.path(&format!("roles?after={}", escaped(&token)))),
        frame: visit.frame("Roles", Screen::Roles),
    })
}

/// The path of a role's page.
pub(super) fn page_of(place: &Place, name: &str) -> String {
    place.path(&format!("roles/show?name={}", escaped(name)))
}

/// Whether a role can be assumed.
pub(super) fn state(role: &Role) -> State {
    match role.status {
        RoleStatus::Active => State::new("active", Tone::Good),
        RoleStatus::Disabled => State::new("disabled", Tone::Over),
    }
}

fn row(place: &Place, role: &Role) -> RoleRow {
    RoleRow {
        page: page_of(place, &role.role_name),
        name: role.role_name.clone(),
        state: state(role),
        description: role.description.clone(),
        trust: rights::of_trust(&role.trust_policy),
        rights: rights::of_policy(&role.policy),
        used: role.last_used_at.map(|at| Moment(at.0)),
    }
}
