//! Error pages.

use gangplank_api::{ApiError, ErrorCode};
use gangplank_console::Message;
use gangplank_store::StoreError;
use hyper::StatusCode;

use super::answers::page;
use super::stranger;
use super::visit::Visit;
use crate::http::response::Answer;

/// The page of a call that failed.
pub(super) fn refused(visit: &Visit<'_>, error: ApiError, back: Option<String>) -> Answer {
    let (status, title) = match error.code {
        ErrorCode::AccessDeniedException | ErrorCode::UnauthenticatedException => {
            (StatusCode::FORBIDDEN, "Not allowed")
        }
        ErrorCode::NotFoundException => (StatusCode::NOT_FOUND, "Not found"),
        _ => match StatusCode::from_u16(error.status()) {
            Ok(status) if status.is_client_error() => (status, "Not possible"),
            Ok(status) => (status, "Out of order"),
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Out of order"),
        },
    };
    let frame = visit.frame(title, None);
    page(status, &Message { frame, words: error.message, tip: error.tip, back })
}

/// The page for an unknown path.
pub(super) fn not_found(visit: &Visit<'_>) -> Answer {
    let error = ApiError::not_found("There is no such page in the console.");
    refused(visit, error, Some("/console/".to_owned()))
}

/// The page for an account other than the one that the browser is signed in to, perhaps in another tab.
pub(super) fn other_account(visit: &Visit<'_>, account: &str) -> Answer {
    let own = &visit.caller.tenant.account;
    let message = format!(
        "This page is of the account {account}, and you are signed in to the account {own}. Nothing was done."
    );
    let error =
        ApiError::access_denied(message).with_tip("Sign in with a key of that account to go on there.");
    refused(visit, error, Some("/console/".to_owned()))
}

/// The page for a failure of the store before the caller is known.
pub(super) fn failed(error: StoreError) -> Answer {
    tracing::error!(%error, "a request for the console failed in the store");
    let words = "The server's storage cannot be used now. Try again.";
    stranger(StatusCode::SERVICE_UNAVAILABLE, "Out of order", words)
}
