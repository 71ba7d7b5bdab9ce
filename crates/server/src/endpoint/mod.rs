//! The public endpoint of container services: a reverse proxy that routes by the `Host` of a request.

pub(crate) mod answer_body;
mod balance;
mod dial;
mod forward;
mod headers;
mod host;
mod pool;
pub(crate) mod probe;
mod refusal;
mod relay;
pub(crate) mod routes;
pub(crate) mod send_on;
#[cfg(test)]
mod tests;
pub(crate) mod tunnel;
pub(crate) mod upload;

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use hyper::body::{Body as _, Incoming};
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, Uri};
use tokio::time::Instant;
use uuid::Uuid;

use crate::app::App;
use crate::http::body::AnswerBody;
use crate::http::connection::Connection;
use crate::http::connections::Guest;
use crate::http::hygiene;
use crate::http::listener::{Audience, Gate};
use crate::http::turns::Turn;
use pool::Pool;
use routes::Route;

/// The state that all requests to services share.
pub(crate) struct Endpoint {
    /// Connections to nodes.
    pool: Pool,
    /// Connections to other replicas.
    pub(crate) replicas: Pool,
    /// When the log last said that a replica does not answer.
    said: Mutex<Option<Instant>>,
    /// The end of every service's own name. Domains of certificates do not end like this.
    suffix: String,
    /// The number of requests so far. The draw of nodes depends on it.
    drawn: AtomicU64,
}

impl Endpoint {
    /// The endpoint for services under this domain.
    pub(crate) fn new(domain: &str) -> Self {
        let suffix = format!(".cs.{}", host::plain(domain));
        let (pool, replicas) = (pool::of_nodes(), pool::of_replicas());
        Self { pool, replicas, said: Mutex::default(), suffix, drawn: AtomicU64::default() }
    }
}

/// The service that a request is for.
pub(crate) enum Visited {
    /// The request is for a service, whose host is given in lower case.
    Service(String, Arc<Route>),
    /// The request is for no service, although the host or the port is only for services.
    Nothing,
}

/// A visit, from the head of the request to the last byte of the answer.
pub(super) struct Visit {
    turn: Turn,
    guest: Arc<Guest>,
    /// The id of the request.
    request: Uuid,
}

impl Visit {
    fn new(turn: Turn, guest: &Arc<Guest>, request: Uuid) -> Self {
        guest.begins_visit();
        Self { turn, guest: Arc::clone(guest), request }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.guest.ends_visit();
    }
}

/// The service that a request is for, by its host. `None` if the request is for this server itself.
pub(crate) fn visited(app: &App, gate: Gate, host: Option<&HeaderValue>) -> Option<Visited> {
    let host = host.and_then(|host| host.to_str().ok()).map(host::plain);
    if let Some(host) = host {
        if let Some(route) = app.routes.find(&host) {
            return Some(Visited::Service(host.into_owned(), route));
        }
        let public = || app.public_address.as_deref().map(host::plain);
        if host.ends_with(&app.endpoint.suffix)
            || app.certificates.are_for_services(&host, public().as_deref())
        {
            return Some(Visited::Nothing);
        }
    }
    (gate.audience == Audience::Visitors).then_some(Visited::Nothing)
}

/// Answers a visitor's request.
pub(crate) async fn answer(
    app: &App,
    visited: Visited,
    peer: SocketAddr,
    connection: &Connection,
    request: Request<Incoming>,
    (turn, id): (Turn, Uuid),
) -> Response<AnswerBody> {
    let checked = hygiene::check_message(request.method(), request.uri(), request.headers(), &app.limits);
    if let Err(violation) = checked {
        return refusal::malformed(&violation);
    }
    let refused = match visited {
        Visited::Nothing if !app.knows_services() => refusal::away(),
        Visited::Nothing => refusal::no_such_service(),
        Visited::Service(host, _) if names_another(request.uri(), &host) => refusal::other_host(),
        Visited::Service(host, route) => match &*route {
            Route::NoEndpoint => refusal::no_such_service(),
            Route::Disabled => refusal::disabled(),
            Route::Nodes(_) | Route::Elsewhere(_) => {
                let visit = Arc::new(Visit::new(turn, &connection.guest, id));
                return forward::forward(app, &host, route, peer, connection, request, visit).await;
            }
        },
    };
    if request.body().is_end_stream() { refused } else { headers::closing(refused) }
}

/// Answers a request that another replica proved to relay for a visitor.
pub(crate) async fn answer_relayed(
    app: &App,
    peer: SocketAddr,
    connection: &Connection,
    request: Request<Incoming>,
    (turn, id): (Turn, Uuid),
) -> Response<AnswerBody> {
    let limits = connection.gate.limits(&app.limits);
    if let Err(violation) =
        hygiene::check_message(request.method(), request.uri(), request.headers(), &limits)
    {
        return refusal::malformed(&violation);
    }
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).map(host::plain);
    let host = host.unwrap_or_default().into_owned();
    let refused = match app.routes.find(&host) {
        Some(route) => match &*route {
            Route::NoEndpoint => refusal::no_such_service(),
            Route::Disabled => refusal::disabled(),
            Route::Elsewhere(_) => refusal::not_here(),
            Route::Nodes(_) => {
                let visit = Arc::new(Visit::new(turn, &connection.guest, id));
                return forward::forward(app, &host, route, peer, connection, request, visit).await;
            }
        },
        None => refusal::not_here(),
    };
    if request.body().is_end_stream() { refused } else { headers::closing(refused) }
}

fn names_another(uri: &Uri, host: &str) -> bool {
    uri.authority().is_some_and(|named| host::plain(named.as_str()) != host)
}
