//! Revoking registry logins: one, or all of a maker.

use gangplank_api::ApiError;
use gangplank_api::gangplank::{ListRegistryLoginsRequest, RevokeRegistryLoginRequest};
use gangplank_console::{Confirm, Screen};

use super::super::answers::see_other;
use super::super::notices::Done;
use super::super::trouble::{not_found, refused};
use super::super::visit::{Visit, shown};
use super::logins::{is_live, maker};
use crate::http::response::Answer;

/// How many logins one request revokes.
const AT_ONCE: u32 = 500;

/// Shows the question before one login is revoked.
pub(super) fn ask_one(visit: &Visit<'_>) -> Answer {
    let Some(id) = visit.asked.query.get("id") else { return not_found(visit) };
    shown(&Confirm {
        frame: visit.frame(format!("Revoke login {id}?"), Screen::Logins),
        consequence:
            "It is refused from the next request on, and uploads that it has begun end. It cannot be undone."
                .to_owned(),
        facts: Vec::new(),
        action: same_path(visit, "logins/revoke"),
        button: format!("Revoke login {id}"),
        back: visit.place().path("logins"),
    })
}

/// Revokes one login.
pub(super) async fn one(visit: &Visit<'_>) -> Answer {
    let Some(id) = visit.asked.query.get("id") else { return not_found(visit) };
    match visit.call(&RevokeRegistryLoginRequest { id: id.to_owned() }).await {
        Ok(_) => done(visit, Done::Revoked(1)),
        Err(error) => refused(visit, error, Some(visit.place().path("logins"))),
    }
}

/// Shows the question before all logins of a maker are revoked.
pub(super) fn ask_all(visit: &Visit<'_>) -> Answer {
    let Some((_, who)) = whose(visit) else { return not_found(visit) };
    shown(&Confirm {
        frame: visit.frame(format!("Revoke all logins of {who}?"), Screen::Logins),
        consequence: "All of them that are live in this region are refused from the next request on. It cannot be undone. \
                      Whoever made them can make others: disable the key or role to stop that."
            .to_owned(),
        facts: Vec::new(),
        action: same_path(visit, "logins/revoke-all"),
        button: format!("Revoke all logins of {who}"),
        back: visit.place().path("logins"),
    })
}

/// Revokes all live logins of a maker, one call after another.
pub(super) async fn all(visit: &Visit<'_>) -> Answer {
    let Some((wanted, _)) = whose(visit) else { return not_found(visit) };
    match revoke_all(visit, &wanted).await {
        Ok(count) if count == AT_ONCE => done(visit, Done::RevokedSome(count)),
        Ok(count) => done(visit, Done::Revoked(count)),
        Err(error) => refused(visit, error, Some(visit.place().path("logins"))),
    }
}

async fn revoke_all(visit: &Visit<'_>, wanted: &str) -> Result<u32, ApiError> {
    let (mut asked, mut count) = (ListRegistryLoginsRequest::default(), 0);
    loop {
        let page = visit.call(&asked).await?;
        for login in page.registry_logins.iter().filter(|login| is_live(login)) {
            if maker(login).as_deref() != Some(wanted) {
                continue;
            }
            visit.call(&RevokeRegistryLoginRequest { id: login.id.clone() }).await?;
            count += 1;
            if count == AT_ONCE {
                return Ok(count);
            }
        }
        asked.next_token = page.next_token;
        if asked.next_token.is_none() {
            return Ok(count);
        }
    }
}

/// The maker in the query: in the form of [`maker`], and for people.
fn whose(visit: &Visit<'_>) -> Option<(String, String)> {
    let query = &visit.asked.query;
    let escaped = gangplank_console::escaped;
    match (query.get("role"), query.get("key")) {
        (Some(role), None) => Some((format!("role={}", escaped(role)), format!("role {role}"))),
        (None, Some(key)) => Some((format!("key={}", escaped(key)), format!("key {key}"))),
        _ => None,
    }
}

/// The path and query of this request: an answer to the question goes to the same address.
pub(super) fn same_path(visit: &Visit<'_>, page: &str) -> String {
    let query = visit.asked.head.uri.query().unwrap_or_default();
    visit.place().path(&format!("{page}?{query}"))
}

fn done(visit: &Visit<'_>, done: Done) -> Answer {
    see_other(&visit.place().path(&format!("logins?{}", done.query())))
}
