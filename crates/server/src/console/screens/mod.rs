//! The screens: one file each. A screen makes calls of the API, and turns the answers into a page.

mod access_keys;
mod audit;
mod changing_key;
mod changing_role;
mod first_steps;
mod health;
mod logins;
mod manifest;
mod new_key;
mod repositories;
mod revoking;
mod rights;
mod role;
mod roles;
mod service;
mod service_images;
mod service_runs;
mod services;

use hyper::Method;

use super::trouble;
use super::visit::Visit;
use crate::http::response::Answer;

/// The screen that opens first.
pub(super) const FIRST: &str = "services";

/// Answers a request for the path behind account and region. An action is a POST. The question before it is a
/// GET of the same path.
pub(super) async fn answer(visit: &Visit<'_>, path: &[&str]) -> Answer {
    if visit.asked.head.method == Method::POST {
        return match path {
            ["logins", "revoke"] => revoking::one(visit).await,
            ["logins", "revoke-all"] => revoking::all(visit).await,
            ["services", service, "delete-image"] => service_images::delete(visit, service).await,
            ["access-keys", "new"] => new_key::make(visit).await,
            ["access-keys", word] => changing_key::run(visit, word).await,
            ["roles", "revoke-session"] => changing_role::revoke_session(visit).await,
            ["roles", word] => changing_role::run(visit, word).await,
            _ => trouble::not_found(visit),
        };
    }
    match path {
        ["services"] => services::list(visit).await,
        ["services", service] => service::show(visit, service).await,
        ["services", service, "delete-image"] => service_images::ask(visit, service),
        ["logins"] => logins::list(visit).await,
        ["logins", "revoke"] => revoking::ask_one(visit),
        ["logins", "revoke-all"] => revoking::ask_all(visit),
        ["access-keys"] => access_keys::list(visit).await,
        ["access-keys", "new"] => new_key::ask(visit),
        ["access-keys", word] => changing_key::ask(visit, word),
        ["audit"] => audit::list(visit).await,
        ["audit", "export"] => audit::export(visit).await,
        ["health"] => health::show(visit).await,
        ["repositories"] => repositories::list(visit).await,
        ["repositories", "show"] => repositories::show(visit).await,
        ["repositories", "manifest"] => manifest::show(visit).await,
        ["roles"] => roles::list(visit).await,
        ["roles", "show"] => role::show(visit).await,
        ["roles", "revoke-session"] => changing_role::ask_session(visit),
        ["roles", word] => changing_role::ask(visit, word),
        _ => trouble::not_found(visit),
    }
}
