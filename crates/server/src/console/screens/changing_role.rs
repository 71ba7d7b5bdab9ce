//! Disabling, enabling and deleting roles, and the end of a session.

use gangplank_api::gangplank::{DeleteRoleRequest, RevokeRoleSessionRequest, RoleStatus, UpdateRoleRequest};
use gangplank_console::{Confirm, Screen};

use super::super::answers::see_other;
use super::super::notices::Done;
use super::super::trouble::{not_found, refused};
use super::super::visit::{Visit, shown};
use super::revoking::same_path;
use super::roles::page_of;
use crate::http::response::Answer;

/// The verb of an action on a role, and its consequence for people. `word` is the action's name in paths.
fn consequence(word: &str) -> Option<(&'static str, &'static str)> {
    Some(match word {
        "disable" => (
            "Disable",
            "Its sessions and logins end for good, with the next request, and none begin until it is enabled again.",
        ),
        "enable" => ("Enable", "It can be assumed again. What has ended stays ended."),
        "delete" => ("Delete", "Its sessions and logins end with it. It cannot be undone."),
        _ => return None,
    })
}

/// Shows the question before the action.
pub(super) fn ask(visit: &Visit<'_>, word: &str) -> Answer {
    let (Some(name), Some((verb, consequence))) = (visit.asked.query.get("name"), consequence(word)) else {
        return not_found(visit);
    };
    shown(&Confirm {
        frame: visit.frame(format!("{verb} the role {name}?"), Screen::Roles),
        consequence: consequence.to_owned(),
        facts: Vec::new(),
        action: same_path(visit, &format!("roles/{word}")),
        button: format!("{verb} {name}"),
        back: page_of(&visit.place(), name),
    })
}

/// Runs the action.
pub(super) async fn run(visit: &Visit<'_>, word: &str) -> Answer {
    let Some(name) = visit.asked.query.get("name").map(str::to_owned) else { return not_found(visit) };
    let update = |status| UpdateRoleRequest { role_name: name.clone(), status };
    let place = visit.place();
    let answer = match word {
        "disable" => visit.call(&update(RoleStatus::Disabled)).await.map(|_| Done::RoleDisabled),
        "enable" => visit.call(&update(RoleStatus::Active)).await.map(|_| Done::RoleEnabled),
        "delete" => {
            let asked = DeleteRoleRequest { role_name: name.clone() };
            visit.call(&asked).await.map(|_| Done::RoleDeleted)
        }
        _ => return not_found(visit),
    };
    match answer {
        Ok(done @ Done::RoleDeleted) => see_other(&place.path(&format!("roles?{}", done.query()))),
        Ok(done) => see_other(&format!("{}&{}", page_of(&place, &name), done.query())),
        Err(error) => refused(visit, error, Some(place.path("roles"))),
    }
}

/// Shows the question before a session is revoked.
pub(super) fn ask_session(visit: &Visit<'_>) -> Answer {
    let query = &visit.asked.query;
    let (Some(name), Some(key)) = (query.get("name"), query.get("key")) else { return not_found(visit) };
    shown(&Confirm {
        frame: visit.frame(format!("Revoke the session {key} of {name}?"), Screen::Roles),
        consequence: "It ends with the next request, with its logins and what they upload. It cannot be undone; whoever \
                      has a token can begin another: disable the role to stop that."
            .to_owned(),
        facts: Vec::new(),
        action: same_path(visit, "roles/revoke-session"),
        button: format!("Revoke {key}"),
        back: page_of(&visit.place(), name),
    })
}

/// Revokes a session.
pub(super) async fn revoke_session(visit: &Visit<'_>) -> Answer {
    let query = &visit.asked.query;
    let (Some(name), Some(key)) = (query.get("name"), query.get("key")) else { return not_found(visit) };
    let back = page_of(&visit.place(), name);
    let asked = RevokeRoleSessionRequest { role_name: name.to_owned(), access_key_id: key.to_owned() };
    match visit.call(&asked).await {
        Ok(_) => see_other(&format!("{back}&{}", Done::SessionRevoked.query())),
        Err(error) => refused(visit, error, Some(back)),
    }
}
