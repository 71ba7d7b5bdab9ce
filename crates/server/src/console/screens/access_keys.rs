//! The list of access keys.

use gangplank_api::gangplank::{AccessKeyStatus, AccessKeySummary, ListAccessKeysRequest};
use gangplank_console::{
    AccessKeys, Command, Copied, KeyRow, Moment, Place, Rights, Screen, State, Tone, escaped,
};

use super::super::trouble::refused;
use super::super::visit::{Visit, shown};
use super::{audit, rights};
use crate::http::response::Answer;

/// How many keys are on a page.
const ON_A_PAGE: i32 = 200;

/// Shows a page of the keys, the newest first.
pub(super) async fn list(visit: &Visit<'_>) -> Answer {
    let next_token = visit.asked.query.get("after").map(str::to_owned);
    let asked = ListAccessKeysRequest { max_results: Some(ON_A_PAGE), next_token, account: None };
    let page = match visit.call(&asked).await {
        Ok(page) => page,
        Err(error) => return refused(visit, error, None),
    };
    let (place, now) = (visit.place(), visit.asked.app.clock.now().0);
    let is_administrator = visit.caller.principal.is_administrator();
    let row = |key: AccessKeySummary| row(&place, is_administrator, now, key);
    let command = format!("gangplank access-key list --endpoint-url {}", visit.endpoint());
    shown(&AccessKeys {
        rows: page.access_keys.into_iter().map(row).collect(),
        new: place.path("access-keys/new"),
        next: page.next_token.map(|token| place.path(&format!("access-keys?after={}", escaped(&token)))),
        command: Command::new("Lists the same keys", command),
        frame: visit.frame("Access keys", Screen::AccessKeys),
    })
}

fn row(place: &Place, is_administrator: bool, now: i64, key: AccessKeySummary) -> KeyRow {
    let id = &key.access_key_id;
    let to = |word: &str| place.path(&format!("access-keys/{word}?id={}", escaped(id)));
    let has_ended = key.expires_at.is_some_and(|end| end.0 <= now);
    let is_active = key.status == AccessKeyStatus::Active;
    let state = match (is_active, has_ended) {
        (false, _) => State::new("disabled", Tone::Over),
        (true, true) => State::new("ended", Tone::Over),
        (true, false) => State::new("active", Tone::Good),
    };
    let change = if is_active { ("Disable", to("disable")) } else { ("Enable", to("enable")) };
    KeyRow {
        state,
        rights: may(&key),
        actions: vec![change, ("Delete", to("delete")), ("Events of", audit::path(place, "key", id))],
        made: Moment(key.created_at.0),
        made_by: key.created_by,
        used: key.last_used_at.map(|at| Moment(at.0)),
        ends: key.expires_at.map(|end| Moment(end.0)),
        account: is_administrator.then_some(key.account),
        description: key.description,
        id: Copied::whole(key.access_key_id, "access key id"),
    }
}

/// The permissions of a key, for people.
fn may(key: &AccessKeySummary) -> Rights {
    let mut words = match (&key.policy, key.is_root) {
        (_, true) => vec!["administer the server".to_owned()],
        (Some(policy), _) => rights::of_policy(policy),
        (None, _) => vec!["everything in its account".to_owned()],
    };
    words.extend(key.repositories.as_ref().map(|names| format!("logins for {}", names.join(", "))));
    words.extend(key.source_networks.as_ref().map(|networks| format!("only from {}", networks.join(", "))));
    words.extend(key.max_login_seconds.map(|seconds| format!("logins of at most {seconds} seconds")));
    Rights { words, policy: key.policy.clone() }
}
