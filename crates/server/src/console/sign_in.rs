//! Signing in: by a one-time link, or by an access key.

use gangplank_console::{Command, Detour, Link, SignIn, escaped};
use gangplank_core::{ConsoleSecret, EventKind, Owner, Tenant, console};
use gangplank_store::metadata::console_logins::NewConsoleLogin;
use hyper::StatusCode;
use hyper::header::{RETRY_AFTER, SET_COOKIE};

use super::answers::{page, see_other};
use super::trouble::failed;
use super::visit::{endpoint, origin};
use super::{Asked, SIGN_IN, START, cookie, cross_site, first_region, stranger};
use crate::control::Caller;
use crate::control::console_calls::{self, NoCaller};
use crate::http::response::Answer;
use crate::refusals::Refusal;
use crate::sealing::random_bytes;

/// Redirects a person who is not signed in to the page for that. Afterwards the person comes back to the page
/// of this request.
pub(super) fn first(asked: &Asked<'_>) -> Answer {
    let uri = &asked.head.uri;
    let target = uri.path_and_query().map_or(uri.path(), |target| target.as_str());
    let is_start = uri.path().trim_end_matches('/') == START.trim_end_matches('/');
    if asked.is_post() || is_start {
        return see_other(SIGN_IN);
    }
    // After a link on another site, browsers do not send the cookie. This page loads the address again from this
    // site, and then browsers send the cookie.
    if cross_site::is_from_elsewhere(&asked.head.headers) {
        return page(StatusCode::OK, &Detour { target: target.to_owned() });
    }
    see_other(&format!("{SIGN_IN}?to={}", escaped(target)))
}

/// The page after the sign-in: the page that the browser asked for before, if that page belongs to the account.
fn destination(asked: &Asked<'_>, tenant: &Tenant) -> String {
    let own = format!("{START}{}/", tenant.account);
    let is_page = |to: &&str| to.starts_with(&own) && to.bytes().all(|byte| byte.is_ascii_graphic());
    match asked.form.get("to").filter(is_page) {
        Some(to) => to.to_owned(),
        None => format!("{own}{}/{}", tenant.region, super::screens::FIRST),
    }
}

/// Answers requests to sign in.
pub(super) async fn answer(asked: &Asked<'_>) -> Answer {
    let closed = closed(asked);
    if !asked.is_post() {
        return match asked.query.get("t") {
            // Opening the page does not use the link up, only its button does. So a program that previews
            // links does not use it up.
            Some(secret) => page(StatusCode::OK, &Link { secret: secret.to_owned(), closed }),
            None => form(asked, StatusCode::OK, None),
        };
    }
    if closed.is_some() {
        return form(asked, StatusCode::FORBIDDEN, None);
    }
    let found = match asked.form.get("link") {
        Some(secret) => by_link(asked, secret).await,
        None => by_key(asked).await,
    };
    match found {
        Ok(caller) => open(asked, caller).await,
        Err(answer) => answer,
    }
}

/// The caller that a link is for.
async fn by_link(asked: &Asked<'_>, secret: &str) -> Result<Caller, Answer> {
    let app = asked.app;
    let link = match ConsoleSecret::parse(secret) {
        Some(secret) => {
            app.metadata.use_console_link(&secret.hash(), app.clock.now()).await.map_err(failed)?
        }
        None => None,
    };
    let Some(link) = link else {
        let words = "This link was used already, or its minute is over. Make another with gangplank console.";
        return Err(unknown(asked, None, None, words));
    };
    let region = if app.regions.contains(&link.region) { link.region } else { first_region(app) };
    match console_calls::of_key(app, &link.key, region).await {
        Ok(caller) => Ok(caller),
        Err(no_caller) => Err(refuse(asked, no_caller, "The access key that made this link is gone.")),
    }
}

/// The caller whose access key was filled in, with the right secret.
async fn by_key(asked: &Asked<'_>) -> Result<Caller, Answer> {
    let (Some(id), Some(secret)) = (asked.form.get("key-id"), asked.form.get("secret")) else {
        let words = "An access key has an id and a secret; both are needed.";
        return Err(form(asked, StatusCode::BAD_REQUEST, Some(words.to_owned())));
    };
    let region = first_region(asked.app);
    let found = console_calls::by_secret(asked.app, id, secret, region).await;
    found.map_err(|no_caller| refuse(asked, no_caller, "There is no access key with this id and secret."))
}

fn refuse(asked: &Asked<'_>, no_caller: NoCaller, words: &str) -> Answer {
    match no_caller {
        NoCaller::Unknown { owner, tenant } => unknown(asked, owner, tenant, words),
        NoCaller::Ended { owner, tenant, why } => {
            count(asked, "ended", Some(owner), Some(tenant));
            form(asked, StatusCode::FORBIDDEN, Some(why))
        }
        NoCaller::Failed(error) => stranger(StatusCode::SERVICE_UNAVAILABLE, "Out of order", error.message),
    }
}

/// Refuses a secret that may be guessed. After many guesses the caller has to wait, as at the registry.
fn unknown(asked: &Asked<'_>, owner: Option<Owner>, tenant: Option<Tenant>, words: &str) -> Answer {
    count(asked, "unknown", owner, tenant);
    if asked.app.failed_logins.count(asked.peer) {
        return form(asked, StatusCode::FORBIDDEN, Some(words.to_owned()));
    }
    let words = "Too many logins from this address were refused. Wait a minute.".to_owned();
    form(asked, StatusCode::TOO_MANY_REQUESTS, Some(words)).header(RETRY_AFTER, "60")
}

fn count(asked: &Asked<'_>, reason: &'static str, owner: Option<Owner>, tenant: Option<Tenant>) {
    let mut origin = asked.app.origin(asked.peer, &asked.head.headers, owner, None);
    origin.by_console = true;
    let refused = Refusal { kind: EventKind::ConsoleRefused, action: None, reason };
    asked.app.count_refusal(refused, origin, tenant);
}

/// Signs a caller in. The cookie gets a new secret, and the login of an older cookie ends.
async fn open(asked: &Asked<'_>, caller: Caller) -> Answer {
    let (app, headers) = (asked.app, &asked.head.headers);
    if !caller.is_usable_from(asked.peer) {
        count(asked, "SourceNetwork", Some(caller.principal.owner()), Some(caller.tenant.clone()));
        let words = format!("Calls of {} are not taken from {}.", caller.key(), asked.peer);
        return form(asked, StatusCode::FORBIDDEN, Some(words));
    }
    let secret = match random_bytes() {
        Ok(bytes) => ConsoleSecret::generate(bytes),
        Err(error) => {
            tracing::error!(%error, "cannot sign anybody in to the console");
            let words = "The server failed; see its log.";
            return stranger(StatusCode::INTERNAL_SERVER_ERROR, "Out of order", words);
        }
    };
    let (now, is_secure) = (app.clock.now(), app.is_secure(headers));
    let by = origin(asked, &caller);
    let longest = now.plus(console::LONGEST);
    let ends_at = caller.key_ends_at().map_or(longest, |end| end.min(longest));
    let login = NewConsoleLogin {
        secret: secret.hash(),
        key: caller.key().clone(),
        tenant: caller.tenant.clone(),
        address: asked.peer,
        created_at: now,
        over_at: console::over_at(now, ends_at),
        ends_at,
    };
    if let Some(before) = cookie::read(headers, is_secure) {
        let ended = match app.metadata.console_login(&before.hash(), now).await {
            Ok(Some(login)) => app.metadata.forget_console_login(login.id).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            return failed(error);
        }
    }
    if let Err(error) = app.metadata.insert_console_login(&by, login).await {
        return failed(error);
    }
    asked.connection.guest.is_known();
    let (tenant, access_key, peer) = (&caller.tenant, caller.principal.owner(), asked.peer);
    tracing::info!(%tenant, %access_key, %peer, "signed in to the console");
    see_other(&destination(asked, tenant)).header(SET_COOKIE, cookie::given(&secret, is_secure))
}

/// Answers with the form, and with the reason of a refusal.
fn form(asked: &Asked<'_>, status: StatusCode, refusal: Option<String>) -> Answer {
    let text = format!("gangplank console --endpoint-url {}", endpoint(asked));
    let command =
        Command::new("Where your access key or role is set up, this command makes a link and opens it", text);
    let key_id = asked.form.get("key-id").unwrap_or_default().to_owned();
    let to = asked.form.get("to").or_else(|| asked.query.get("to")).map(str::to_owned);
    page(status, &SignIn { refusal, key_id, to, closed: closed(asked), command })
}

/// Why this connection is too insecure to sign in. On such a connection, anybody on the way could read the
/// secret and the cookie.
fn closed(asked: &Asked<'_>) -> Option<String> {
    let Asked { app, peer, head, .. } = asked;
    let is_open = app.is_secure(&head.headers) || peer.is_loopback() || app.insecure_http;
    (!is_open).then(|| {
        "Signing in is closed over plain HTTP, which shows the secret to everybody on the way. Come by https. A proxy in \
         front of this server that serves TLS has to say so with X-Forwarded-Proto, and has to be one of \
         --trusted-proxies."
            .to_owned()
    })
}
