//! Which of the two services a request is for.

use std::net::SocketAddr;

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};

use super::body::AnswerBody;
use super::connection::Connection;
use super::record::{Record, Service};
use super::response::Answer;
use super::{client, health, hygiene};
use crate::app::App;
use crate::control::Spoken;
use crate::{console, control, registry};

/// Answers one request.
pub(crate) async fn answer(
    app: &App,
    record: &Record,
    peer: SocketAddr,
    connection: &Connection,
    mut request: Request<Incoming>,
) -> Response<AnswerBody> {
    client::drop_unbelieved(peer, request.headers_mut(), &app.proxies);
    let answer = match hygiene::check(request.method(), request.uri(), request.headers(), &app.limits) {
        Ok(()) => route(app, record, connection, request).await,
        Err(violation) if is_registrys(request.uri().path()) => registry::refuse_unread(record, &violation),
        Err(violation) => control::refuse_unread(record, &request, violation.status, violation.text),
    };
    answer.into_response()
}

/// Whether a path is for the registry, if it is for anybody.
pub(super) fn is_registrys(path: &str) -> bool {
    path == "/v2" || path.starts_with("/v2/")
}

async fn route(app: &App, record: &Record, connection: &Connection, request: Request<Incoming>) -> Answer {
    let path = request.uri().path();
    let spoken = Spoken::of(&request);
    // Some of AWS's services have paths that begin as the registry's.
    let is_unserved = matches!(spoken, Some(Spoken::Unserved { .. }));
    if is_registrys(path) && !is_unserved {
        return registry::answer(app, record, connection, request).await;
    }
    if app.console && console::is_consoles(path) {
        // Apart, so that no other request is given the room that pages take.
        return Box::pin(console::answer(app, record, connection, request)).await;
    }
    // SDKs append to a configured endpoint's path, so the API answers on any.
    if let Some(spoken) = spoken {
        return control::answer(app, record, connection, spoken, request).await;
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        if path == "/" {
            let is_browser = app.console && console::is_wanted(request.headers());
            return if is_browser { console::lead_there(app, request.headers()) } else { banner() };
        }
        if let Some(health) = health::to_anybody(app, path).await {
            record.is_for(Service::Health, "Health");
            return health;
        }
    }
    let nothing = "nothing here: the registry is at /v2/, the API takes POST /";
    control::refuse_unread(record, &request, StatusCode::NOT_FOUND, nothing)
}

fn banner() -> Answer {
    Answer::new(StatusCode::OK).body(
        "text/plain; charset=utf-8",
        "gangplank: the container registry is at /v2/, the API takes POST /\n",
    )
}
