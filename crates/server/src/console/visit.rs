//! A person who is signed in. Each request looks the cookie up again.

use gangplank_api::{ApiError, Request};
use gangplank_console::{Frame, Page, Place, Screen};
use gangplank_core::principal::RoleSession;
use gangplank_core::{Origin, Principal, Region, console};
use gangplank_store::metadata::console_logins::ConsoleLogin;
use hyper::StatusCode;
use hyper::header::{HOST, SET_COOKIE};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answers::page;
use super::trouble::failed;
use super::{Asked, cookie, notices, stranger};
use crate::control::console_calls::{self, NoCaller};
use crate::control::{Caller, Client};
use crate::http::response::Answer;

/// A request of a person who is signed in.
pub(super) struct Visit<'a> {
    pub(super) asked: &'a Asked<'a>,
    pub(super) login: ConsoleLogin,
    /// The access key or role session that acts, in the region of the page.
    pub(super) caller: Caller,
}

/// The sender of a request.
pub(super) enum Entry<'a> {
    /// A person who is signed in.
    Known(Visit<'a>),
    /// A person who is not signed in.
    Unknown,
    /// A login that has ended or cannot be looked up, with the answer.
    Ended(Answer),
}

/// Finds the login of a request by its cookie.
pub(super) async fn enter<'a>(asked: &'a Asked<'a>) -> Entry<'a> {
    let app = asked.app;
    let is_secure = app.is_secure(&asked.head.headers);
    let Some(secret) = cookie::read(&asked.head.headers, is_secure) else { return Entry::Unknown };
    let now = app.clock.now();
    let login = match app.metadata.console_login(&secret.hash(), now).await {
        Ok(Some(login)) => login,
        Ok(None) => return Entry::Unknown,
        Err(error) => return Entry::Ended(failed(error)),
    };
    let caller = match console_calls::of_key(app, &login.key, login.region.clone()).await {
        Ok(caller) => caller,
        Err(NoCaller::Failed(error)) => {
            return Entry::Ended(stranger(StatusCode::SERVICE_UNAVAILABLE, "Out of order", error.message));
        }
        Err(NoCaller::Unknown { .. }) => return ended(asked, &login, "Its access key was deleted.").await,
        Err(NoCaller::Ended { why, .. }) => return ended(asked, &login, &why).await,
    };
    if let Some(over_at) = console::prolonged(login.over_at, now, login.ends_at)
        && let Err(error) = app.metadata.prolong_console_login(login.id, over_at).await
    {
        // The request continues, and the login only ends sooner than it should.
        tracing::warn!(%error, "cannot prolong a login to the console");
    }
    asked.connection.guest.is_known();
    Entry::Known(Visit { asked, login, caller })
}

/// Ends all logins of a key that is no longer accepted, so that none works again if the key is accepted again.
async fn ended<'a>(asked: &Asked<'_>, login: &ConsoleLogin, why: &str) -> Entry<'a> {
    if let Err(error) = asked.app.metadata.forget_console_logins_of(&login.key).await {
        return Entry::Ended(failed(error));
    }
    let is_secure = asked.app.is_secure(&asked.head.headers);
    let words = format!("This login to the console has ended. {why}");
    let answer = stranger(StatusCode::FORBIDDEN, "Signed out", words);
    Entry::Ended(answer.header(SET_COOKIE, cookie::taken(is_secure)))
}

impl Visit<'_> {
    /// Calls the API as the key or session that is signed in.
    ///
    /// # Errors
    /// The error that the API answers.
    pub(super) async fn call<R>(&self, request: &R) -> Result<R::Output, ApiError>
    where
        R: Request + Serialize,
        R::Output: DeserializeOwned,
    {
        let Asked { app, peer, head, .. } = self.asked;
        let client = Client::of(app, *peer, &head.headers);
        console_calls::call(app, &self.caller, &client, request).await
    }

    /// This visit in another region.
    pub(super) fn in_region(&self, region: Region) -> Self {
        let mut caller = self.caller.clone();
        caller.tenant.region = region;
        Self { asked: self.asked, login: self.login.clone(), caller }
    }

    /// The region of this name, if it is served.
    pub(super) fn served_region(&self, name: &str) -> Option<Region> {
        self.asked.app.regions.iter().find(|region| region.as_str() == name).cloned()
    }

    /// The account and region in the paths of its pages.
    pub(super) fn place(&self) -> Place {
        let tenant = &self.caller.tenant;
        Place { account: tenant.account.as_str().to_owned(), region: tenant.region.as_str().to_owned() }
    }

    /// The origin of a sign-in or sign-out, which are no calls of the API.
    pub(super) fn origin(&self) -> Origin {
        origin(self.asked, &self.caller)
    }

    /// The frame around a page.
    pub(super) fn frame(&self, title: impl Into<String>, screen: impl Into<Option<Screen>>) -> Frame {
        let regions = self.asked.app.regions.iter().map(|region| region.as_str().to_owned());
        Frame {
            title: title.into(),
            place: self.place(),
            screen: screen.into(),
            regions: regions.collect(),
            who: who(&self.caller.principal),
            notice: notices::notice(&self.asked.query),
        }
    }

    /// The registry's address for docker and other clients, as logins name it.
    pub(super) fn registry(&self) -> String {
        registry(self.asked)
    }

    /// The server's URL for commands.
    pub(super) fn endpoint(&self) -> String {
        endpoint(self.asked)
    }
}

/// Answers 200 with a page.
pub(super) fn shown(shown: &impl Page) -> Answer {
    page(StatusCode::OK, shown)
}

/// The origin of a change that is no call of the API.
pub(super) fn origin(asked: &Asked<'_>, caller: &Caller) -> Origin {
    let principal = &caller.principal;
    let origin = asked.app.origin(asked.peer, &asked.head.headers, Some(principal.owner()), None);
    let request = Some(asked.app.request_ids.next(asked.app.clock.now()).to_string());
    Origin { session: principal.session().cloned(), by_console: true, request, ..origin }
}

/// The registry's address for docker and other clients: the configured one, or else the one in `Host`.
fn registry(asked: &Asked<'_>) -> String {
    let called = || asked.head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    asked.app.public_address.clone().unwrap_or_else(|| called().to_owned())
}

/// The server's URL for commands.
pub(super) fn endpoint(asked: &Asked<'_>) -> String {
    let scheme = if asked.app.is_secure(&asked.head.headers) { "https" } else { "http" };
    format!("{scheme}://{}", registry(asked))
}

fn who(principal: &Principal) -> String {
    match principal {
        Principal::Server => "the server".to_owned(),
        Principal::RootKey(id) => format!("Root key {id}"),
        Principal::AccessKey(id) => format!("Access key {id}"),
        Principal::Session(RoleSession { role_name, name, .. }) => {
            format!("Role {role_name}, session {name}")
        }
    }
}
