//! The registry login that a request acts with. The database serves logins in turns. The login belongs to the
//! running task, so no method of the store needs it as an argument.

use gangplank_core::LoginId;

tokio::task_local! {
    static LOGIN: LoginId;
}

/// Answers a request that acts with a login.
pub async fn with<F: Future>(login: LoginId, request: F) -> F::Output {
    LOGIN.scope(login, request).await
}

/// The login of the present request; `None` for everything else.
pub(crate) fn login() -> Option<LoginId> {
    LOGIN.try_with(|login| *login).ok()
}
