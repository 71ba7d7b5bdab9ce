//! Sends visitors who came in plain HTTP on to `https://`.

use hyper::body::Body;
use hyper::header::LOCATION;
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Request, Response, StatusCode};

use super::{Visited, headers, names_another, refusal};
use crate::app::App;
use crate::http::body::AnswerBody;
use crate::http::hygiene;
use crate::http::listener::Gate;
use crate::http::response::Answer;

/// The usual port of `https://`.
const HTTPS: u16 = 443;

/// The refusal of a request that is not for a service. The request may contain a login. A redirect would hide the
/// mistake from the client, so there is no redirect.
const NOT_HERE: &str = "This port speaks TLS and not plain HTTP: write https:// here.";

/// Sends a visitor of a service on, and refuses everything else.
pub(crate) fn answer<B: Body>(
    app: &App,
    visited: Option<Visited>,
    gate: Gate,
    request: &Request<B>,
) -> Response<AnswerBody> {
    let checked = hygiene::check_message(request.method(), request.uri(), request.headers(), &app.limits);
    let answer = match (checked, visited) {
        (Err(violation), _) => return refusal::malformed(&violation),
        (Ok(()), None) => return hygiene::refusal(StatusCode::BAD_REQUEST, NOT_HERE).into_response(),
        (Ok(()), Some(Visited::Nothing)) if !app.knows_services() => refusal::away(),
        (Ok(()), Some(Visited::Nothing)) => refusal::no_such_service(),
        (Ok(()), Some(Visited::Service(host, _))) if names_another(request.uri(), &host) => {
            return refusal::other_host();
        }
        (Ok(()), Some(Visited::Service(host, _))) => {
            let port = if app.entrance.is_tls { app.entrance.port } else { gate.port };
            sent_on(request, &host, port)
        }
    };
    if request.body().is_end_stream() { answer } else { headers::closing(answer) }
}

fn sent_on<B>(request: &Request<B>, host: &str, port: u16) -> Response<AnswerBody> {
    let path = request.uri().path_and_query().map(PathAndQuery::as_str);
    let path = path.filter(|path| path.starts_with('/')).unwrap_or("/");
    let port = if port == HTTPS { String::new() } else { format!(":{port}") };
    let location = format!("https://{host}{port}{path}");
    // Clients repeat other methods than these two as GET after a 301, so they get the status that keeps the method.
    let status = match *request.method() {
        Method::GET | Method::HEAD => StatusCode::MOVED_PERMANENTLY,
        _ => StatusCode::PERMANENT_REDIRECT,
    };
    Answer::new(status).header(LOCATION, location).into_response()
}
