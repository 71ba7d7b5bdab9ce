//! Routes a request to the part of the server that answers it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use gangplank_store::metadata::patience::of_request;
use hyper::body::{Body as _, Incoming};
use hyper::header::HOST;
use hyper::{Method, Request, Response, StatusCode};

use super::body::AnswerBody;
use super::connection::Connection;
use super::course::Course;
use super::hygiene::Violation;
use super::listener::Audience;
use super::record::{Record, Service};
use super::response::Answer;
use super::turns::Turn;
use super::{client, health, hygiene};
use crate::app::App;
use crate::control::Spoken;
use crate::endpoint::Visited;
use crate::{console, control, endpoint, registry, relay};

/// The future that answers a request. It is boxed, so each request only needs the memory of its own route.
pub(super) type Answering = Pin<Box<dyn Future<Output = Response<AnswerBody>> + Send>>;

/// The route of a request.
pub(super) enum Route {
    /// A visitor of a service.
    Visit(Visited),
    /// A request in plain HTTP that is sent on to `https://`, if it is for a service.
    SendOn(Option<Visited>),
    /// Another replica.
    Replica,
    /// A request for this server itself.
    Ours(Ours),
}

/// The part of this server that answers a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ours {
    /// None: the request is malformed.
    Malformed(Violation),
    /// The registry.
    Registry,
    /// The web console.
    Console,
    /// The API, in the given protocol.
    Control(Spoken),
    /// The page at `/` that says what this server is.
    Root,
    /// The health of the server.
    Health,
    /// None: the path is unknown.
    Nothing,
}

impl Route {
    /// The route of a request. The host decides first, before anything else is checked. Then the path and the
    /// headers decide.
    pub(super) fn of(app: &App, connection: &Connection, request: &Request<Incoming>) -> Self {
        if connection.gate.audience == Audience::Replicas {
            return Self::Replica;
        }
        let visited = endpoint::visited(app, connection.gate, request.headers().get(HOST));
        if connection.gate.audience == Audience::PlainHttp {
            return Self::SendOn(visited);
        }
        if let Some(visited) = visited {
            return Self::Visit(visited);
        }
        if health::is_bare_check(request) {
            return Self::Ours(Ours::Health);
        }
        let checked = hygiene::check(request.method(), request.uri(), request.headers(), &app.limits);
        Self::Ours(match checked {
            Ok(()) => Ours::of(request, app.console),
            Err(violation) => Ours::Malformed(violation),
        })
    }

    /// The course of a request on this route.
    pub(super) fn course(&self) -> Course {
        match self {
            // A push must not end between its bytes and its row, and a call must not end before it is recorded.
            Self::Ours(Ours::Registry | Ours::Console | Ours::Control(_)) => Course::ToItsEnd,
            Self::Ours(Ours::Malformed(_) | Ours::Root | Ours::Health | Ours::Nothing)
            | Self::Visit(_)
            | Self::SendOn(_)
            | Self::Replica => Course::WithItsClient,
        }
    }

    /// Answers the request.
    pub(super) fn answer(
        self,
        app: Arc<App>,
        record: Arc<Record>,
        peer: SocketAddr,
        connection: Connection,
        request: Request<Incoming>,
        turn: Turn,
    ) -> Answering {
        match self {
            Self::Visit(visited) => Box::pin(async move {
                record.is_for(Service::Endpoint, "Visit");
                endpoint::answer(&app, visited, peer, &connection, request, (turn, record.id)).await
            }),
            Self::SendOn(visited) => Box::pin(async move {
                let _turn = turn;
                record.is_for(Service::Endpoint, "SendOn");
                endpoint::send_on::answer(&app, visited, connection.gate, &request)
            }),
            Self::Replica => {
                Box::pin(async move { relay::answer(&app, &record, peer, &connection, request, turn).await })
            }
            Self::Ours(ours) => Box::pin(async move {
                let _turn = turn;
                let has_body = !request.body().is_end_stream();
                // Pinned in place, since the future is too large to be moved.
                let answering = std::pin::pin!(ours.answer(&app, &record, peer, &connection, request));
                let answer = of_request(answering).await;
                if has_body {
                    // hyper closes a connection whose body was not read. This gives it time to notice before it
                    // writes the answer, which then says `Connection: close`.
                    tokio::task::yield_now().await;
                }
                answer.into_response()
            }),
        }
    }
}

/// Whether a path belongs to the registry.
pub(super) fn is_registrys(path: &str) -> bool {
    path == "/v2" || path.starts_with("/v2/")
}

impl Ours {
    fn of<B>(request: &Request<B>, has_console: bool) -> Self {
        let path = request.uri().path();
        let spoken = Spoken::of(request);
        // Some AWS services have paths that begin with `/v2/`, too.
        let is_unserved = matches!(spoken, Some(Spoken::Unserved { .. }));
        if is_registrys(path) && !is_unserved {
            return Self::Registry;
        }
        if has_console && console::is_consoles(path) {
            return Self::Console;
        }
        // SDKs append a path to a configured endpoint, so the API answers on any path.
        if let Some(spoken) = spoken {
            return Self::Control(spoken);
        }
        match (request.method(), path) {
            (&Method::GET | &Method::HEAD, "/") => Self::Root,
            (&Method::GET | &Method::HEAD, health::ALIVE | health::READY) => Self::Health,
            _ => Self::Nothing,
        }
    }

    async fn answer(
        self,
        app: &App,
        record: &Record,
        peer: SocketAddr,
        connection: &Connection,
        mut request: Request<Incoming>,
    ) -> Answer {
        client::drop_unbelieved(peer, request.headers_mut(), &app.proxies);
        match self {
            Self::Malformed(violation) if is_registrys(request.uri().path()) => {
                registry::refuse_unread(record, &violation)
            }
            Self::Malformed(violation) => {
                control::refuse_unread(record, &request, violation.status, violation.text)
            }
            Self::Registry => registry::answer(app, record, connection, request).await,
            // In a separate box, because the future of a page is large.
            Self::Console => Box::pin(console::answer(app, record, connection, request)).await,
            Self::Control(spoken) => control::answer(app, record, connection, spoken, request).await,
            Self::Root if app.console && console::is_wanted(request.headers()) => {
                console::lead_there(app, request.headers())
            }
            Self::Root => banner(),
            Self::Health => {
                record.is_for(Service::Health, "Health");
                health::to_anybody(app, request.uri().path()).await
            }
            Self::Nothing => {
                let nothing = "nothing here: the registry is at /v2/, the API takes POST /";
                control::refuse_unread(record, &request, StatusCode::NOT_FOUND, nothing)
            }
        }
    }
}

fn banner() -> Answer {
    Answer::new(StatusCode::OK).body(
        "text/plain; charset=utf-8",
        "gangplank: the container registry is at /v2/, the API takes POST /\n",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, path: &str, has_console: bool) -> Ours {
        let request = Request::builder().method(method).uri(path).body(()).unwrap();
        Ours::of(&request, has_console)
    }

    #[test]
    fn what_may_change_something_runs_to_its_end() {
        for (method, path, is_to_its_end) in [
            ("PUT", "/v2/sr/manifests/latest", true),
            ("GET", "/v2/", true),
            ("POST", "/", true),
            ("POST", "/some/prefix", true),
            ("POST", "/console/in", true),
            ("GET", "/", false),
            ("HEAD", "/healthz", false),
            ("GET", "/readyz", false),
            ("GET", "/favicon.ico", false),
        ] {
            let course = Route::Ours(of(method, path, true)).course();
            assert_eq!(course == Course::ToItsEnd, is_to_its_end, "{method} {path}");
        }
        assert_eq!(Route::Visit(Visited::Nothing).course(), Course::WithItsClient);
    }

    #[test]
    fn a_console_that_is_off_is_not_there() {
        assert_eq!(of("GET", "/console/", true), Ours::Console);
        assert_eq!(of("GET", "/console/", false), Ours::Nothing);
        assert_eq!(of("DELETE", "/healthz", true), Ours::Nothing);
        assert_eq!(of("GET", "/v2", false), Ours::Registry);
        assert_eq!(of("GET", "/v2x", false), Ours::Nothing);
    }
}
