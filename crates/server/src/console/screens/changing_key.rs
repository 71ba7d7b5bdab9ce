//! Disabling, enabling and deleting access keys.

use gangplank_api::gangplank::{AccessKeyStatus, DeleteAccessKeyRequest, UpdateAccessKeyRequest};
use gangplank_console::{Confirm, Screen};

use super::super::answers::see_other;
use super::super::notices::Done;
use super::super::trouble::{not_found, refused};
use super::super::visit::{Visit, shown};
use super::revoking::same_path;
use crate::http::response::Answer;

/// The verb of an action on a key, and its consequence for people. `word` is the action's name in paths.
fn consequence(word: &str) -> Option<(&'static str, &'static str)> {
    Some(match word {
        "disable" => (
            "Disable",
            "Its calls and its logins are refused from the next request on, and whoever is signed in here with it is \
             signed out. Keys and roles that it made go on: gangplank access-key disable --with-made disables them too. \
             It can be enabled again.",
        ),
        "enable" => ("Enable", "Its calls and its logins that have not ended are taken again."),
        "delete" => (
            "Delete",
            "Its calls and its logins are refused from the next request on. It cannot be undone, and the same key cannot \
             be made again.",
        ),
        _ => return None,
    })
}

/// Shows the question before the action.
pub(super) fn ask(visit: &Visit<'_>, word: &str) -> Answer {
    let (Some(id), Some((verb, consequence))) = (visit.asked.query.get("id"), consequence(word)) else {
        return not_found(visit);
    };
    shown(&Confirm {
        frame: visit.frame(format!("{verb} the key {id}?"), Screen::AccessKeys),
        consequence: consequence.to_owned(),
        facts: Vec::new(),
        action: same_path(visit, &format!("access-keys/{word}")),
        button: format!("{verb} {id}"),
        back: visit.place().path("access-keys"),
    })
}

/// Runs the action.
pub(super) async fn run(visit: &Visit<'_>, word: &str) -> Answer {
    let Some(id) = visit.asked.query.get("id").map(str::to_owned) else { return not_found(visit) };
    let update =
        |status| UpdateAccessKeyRequest { access_key_id: id.clone(), status, force: None, with_made: None };
    let answer = match word {
        "disable" => visit.call(&update(AccessKeyStatus::Disabled)).await.map(|_| Done::KeyDisabled),
        "enable" => visit.call(&update(AccessKeyStatus::Active)).await.map(|_| Done::KeyEnabled),
        "delete" => {
            let asked = DeleteAccessKeyRequest { access_key_id: id.clone(), force: None };
            visit.call(&asked).await.map(|_| Done::KeyDeleted)
        }
        _ => return not_found(visit),
    };
    let list = visit.place().path("access-keys");
    match answer {
        Ok(done) => see_other(&format!("{list}?{}", done.query())),
        Err(error) => refused(visit, error, Some(list)),
    }
}
