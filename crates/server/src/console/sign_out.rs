//! Signs out one browser, or all browsers that are signed in with the same key.

use hyper::StatusCode;
use hyper::header::SET_COOKIE;

use super::trouble::failed;
use super::visit::{Entry, enter};
use super::{Asked, cookie, stranger};
use crate::http::response::Answer;

/// Signs this browser out.
pub(super) async fn here(asked: &Asked<'_>) -> Answer {
    let visit = match enter(asked).await {
        Entry::Known(visit) => visit,
        Entry::Unknown => return signed_out(asked, "You are signed out."),
        Entry::Ended(answer) => return answer,
    };
    let (by, tenant) = (visit.origin(), &visit.caller.tenant);
    match asked.app.metadata.end_console_login(&by, tenant, visit.login.id).await {
        Ok(_) => signed_out(asked, "You are signed out."),
        Err(error) => failed(error),
    }
}

/// Signs out all browsers that are signed in with the same key.
pub(super) async fn everywhere(asked: &Asked<'_>) -> Answer {
    let visit = match enter(asked).await {
        Entry::Known(visit) => visit,
        Entry::Unknown => {
            return signed_out(asked, "You were signed out before, so nothing was done elsewhere.");
        }
        Entry::Ended(answer) => return answer,
    };
    let (by, tenant) = (visit.origin(), &visit.caller.tenant);
    match asked.app.metadata.end_console_logins_of(&by, tenant, visit.caller.key()).await {
        Ok(_) => signed_out(asked, "All browsers that were signed in with this key are signed out."),
        Err(error) => failed(error),
    }
}

fn signed_out(asked: &Asked<'_>, words: &str) -> Answer {
    let is_secure = asked.app.is_secure(&asked.head.headers);
    stranger(StatusCode::OK, "Signed out", words).header(SET_COOKIE, cookie::taken(is_secure))
}
