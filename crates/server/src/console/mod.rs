//! The web console: pages for people, under `/console/`.
//!
//! It has no permissions, rules or queries of its own. A signed-in person acts as an access key or a role
//! session. Each page and each button makes calls of the API, in the same way as all callers
//! ([`console_calls`](crate::control::console_calls)).

mod answers;
mod cookie;
mod cross_site;
mod form;
mod notices;
mod screens;
mod sign_in;
mod sign_out;
mod trouble;
mod visit;

use std::net::IpAddr;

use gangplank_console::{Stranger, assets};
use gangplank_core::{ConsoleSecret, Region};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ALLOW, REFERRER_POLICY};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, StatusCode};

use crate::app::App;
use crate::http::connection::Connection;
use crate::http::record::{Record, Service};
use crate::http::response::Answer;
use answers::{page, see_other};
use form::Form;
use visit::{Entry, Visit, enter};

/// The path that all pages begin with.
const START: &str = "/console/";
/// The path of the page to sign in.
const SIGN_IN: &str = "/console/in";

/// Whether a path belongs to the console.
pub(crate) fn is_consoles(path: &str) -> bool {
    path == "/console" || path.starts_with(START)
}

/// Whether a request comes from a browser, which asks for HTML.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
}

/// Redirects a browser to the console.
pub(crate) fn lead_there(app: &App, headers: &HeaderMap) -> Answer {
    see_other(START).header(REFERRER_POLICY, cross_site::referrer_policy(app, headers))
}

/// The path and query of a one-time link.
pub(crate) fn link_path(secret: &ConsoleSecret) -> String {
    format!("{SIGN_IN}?t={}", secret.expose())
}

/// A request for a page.
struct Asked<'a> {
    app: &'a App,
    peer: IpAddr,
    connection: &'a Connection,
    head: &'a Parts,
    /// The query of its path.
    query: Form,
    /// The form in its body; empty if the method is not POST.
    form: Form,
}

impl Asked<'_> {
    fn is_post(&self) -> bool {
        self.head.method == Method::POST
    }
}

/// Answers a request for the console.
pub(crate) async fn answer(
    app: &App,
    record: &Record,
    connection: &Connection,
    request: Request<Incoming>,
) -> Answer {
    let referrer = cross_site::referrer_policy(app, request.headers());
    answer_asked(app, record, connection, request).await.header(REFERRER_POLICY, referrer)
}

async fn answer_asked(
    app: &App,
    record: &Record,
    connection: &Connection,
    request: Request<Incoming>,
) -> Answer {
    let (head, body) = request.into_parts();
    let (path, peer) = (head.uri.path(), record.peer);
    let segments: Vec<&str> =
        path.trim_start_matches("/console").split('/').filter(|segment| !segment.is_empty()).collect();
    record.is_for(
        Service::Console,
        match segments.first() {
            Some(&"in") => "SignIn",
            Some(&"out") => "SignOut",
            _ => "Page",
        },
    );
    let form = match head.method {
        Method::GET | Method::HEAD => {
            if let Some(path) = path.strip_prefix(assets::FOLDER) {
                return answers::asset(&head.headers, assets::find(path));
            }
            Form::default()
        }
        Method::POST => {
            // Check this before any reading and any query.
            if let Err(why) = cross_site::check(app, &head.headers) {
                tracing::debug!(%peer, why, "refused a request from another site to the console");
                return stranger(StatusCode::FORBIDDEN, "Not from here", why).close();
            }
            match form::read(app, peer, &head.headers, body).await {
                Ok(form) => form,
                Err((status, why)) => return stranger(status, "Not readable", why).close(),
            }
        }
        _ => {
            let why = "Pages are asked for with GET, and forms are sent with POST.";
            let answer = stranger(StatusCode::METHOD_NOT_ALLOWED, "Not possible", why);
            return answer.header(ALLOW, "GET, HEAD, POST").close();
        }
    };
    let query = Form::parse(head.uri.query().unwrap_or_default().as_bytes());
    let asked = Asked { app, peer, connection, head: &head, query, form };
    match segments[..] {
        ["in"] => sign_in::answer(&asked).await,
        ["out"] if asked.is_post() => sign_out::here(&asked).await,
        ["out", "everywhere"] if asked.is_post() => sign_out::everywhere(&asked).await,
        _ => match enter(&asked).await {
            Entry::Known(visit) => {
                record.is_of(&visit.caller.principal, &visit.caller.tenant);
                if asked.is_post() {
                    record.has_changed(None);
                }
                show(visit, &segments).await
            }
            Entry::Unknown => sign_in::first(&asked),
            Entry::Ended(answer) => answer,
        },
    }
}

/// Answers a person who is signed in.
async fn show(visit: Visit<'_>, segments: &[&str]) -> Answer {
    match segments {
        [] => see_other(&visit.place().path(screens::FIRST)),
        // The form that selects a region: a form cannot put its value into a path.
        ["go"] => match visit.served_region(visit.asked.query.get("region").unwrap_or_default()) {
            Some(region) => see_other(&visit.in_region(region).place().path(screens::FIRST)),
            None => trouble::not_found(&visit),
        },
        [account, region, rest @ ..] => {
            if *account != visit.caller.tenant.account.as_str() {
                return trouble::other_account(&visit, account);
            }
            match visit.served_region(region) {
                Some(region) => screens::answer(&visit.in_region(region), rest).await,
                None => trouble::not_found(&visit),
            }
        }
        [_] => trouble::not_found(&visit),
    }
}

/// A page for a person who is not signed in.
fn stranger(status: StatusCode, title: &str, words: impl Into<String>) -> Answer {
    page(status, &Stranger { title: title.to_owned(), words: words.into() })
}

/// The region of the first page, before the person selects one.
fn first_region(app: &App) -> Region {
    let usual = Region::default_region();
    if app.regions.contains(&usual) { usual } else { app.regions.first().cloned().unwrap_or(usual) }
}
