//! Forwards a request to a node, and the answer back. [`relay`] does this if another replica has the nodes.

use std::error::Error as _;
use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::body::{Body as _, Incoming};
use hyper::ext::on_informational;
use hyper::header::EXPECT;
use hyper::http::request::Parts;
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode, Uri, Version};
use hyper_util::client::legacy::{self, ResponseFuture};
use tokio::time::Instant;

use super::answer_body::NodeBody;
use super::balance::choose;
use super::headers::{self, Sender, Trace};
use super::routes::{Node, Nodes, Route, UnderWay};
use super::upload::{End, Sent, Upload};
use super::{Visit, refusal, relay};
use crate::app::App;
use crate::http::body::AnswerBody;
use crate::http::connection::Connection;
use crate::http::listener::Audience;
use crate::relay::proof;

/// A visitor may ask whether to send its body. If the node has not answered after this time, the visitor may
/// send it.
const EXPECTATION: Duration = Duration::from_secs(1);

/// Why no node answered.
pub(super) enum Failure {
    /// No node received any of the request.
    Unsent,
    /// The service does not run here, perhaps no longer, or no longer at the replica that was asked.
    Moved,
    /// The replica that runs the service cannot be reached.
    Away,
    /// The node that received the request closed the connection.
    Broken,
    /// The node that received the request did not answer in time.
    TooLate,
    /// The visitor stopped sending its body.
    Stalled,
    /// The visitor's body is malformed.
    BadBody,
}

/// The answer of a node, and the node's work until its end. The node may belong to another replica.
pub(super) type Answered = (Response<Incoming>, Option<UnderWay>);

/// A request in the form for nodes.
pub(super) struct Message {
    head: Parts,
    upload: Option<Arc<Upload>>,
    /// Whether the visitor waits for permission to send its body.
    is_expecting: bool,
}

/// Forwards a request of a visitor, or of a replica for its visitor, to a node.
pub(super) async fn forward(
    app: &App,
    host: &str,
    route: Arc<Route>,
    peer: SocketAddr,
    connection: &Connection,
    mut request: Request<Incoming>,
    visit: Arc<Visit>,
) -> Response<AnswerBody> {
    let upgrade = headers::upgrade(request.headers()).filter(|_| request.body().is_end_stream());
    let on_client = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
    let (mut head, body) = request.into_parts();
    let is_expecting = head.headers.contains_key(EXPECT);
    let upload = if body.is_end_stream() {
        visit.turn.watch();
        None
    } else {
        Some(Arc::new(Upload::new(body, !is_expecting, Arc::clone(&visit))))
    };
    let is_relayed = connection.gate.audience == Audience::Replicas;
    if is_relayed {
        headers::for_next_hop(&mut head.headers);
    } else {
        let peer = peer.ip().to_canonical();
        let sender = Sender {
            peer,
            is_trusted: app.proxies.iter().any(|proxy| proxy.contains(peer)),
            is_tls: connection.gate.is_tls,
            port: connection.gate.port,
        };
        headers::for_node(&mut head.headers, &sender, &Trace::new(app.clock.now().seconds(), visit.request));
    }
    if let Some(upgrade) = upgrade {
        headers::set_upgrade(&mut head.headers, upgrade);
    }
    let message = Message { head, upload, is_expecting };
    let answered = match ask_nodes(app, host, route, &message).await {
        // In a box, because most requests need no relay. A request that another replica relays is never relayed
        // again.
        Err(Failure::Moved) if !is_relayed => Box::pin(relay::ask(app, host, &message)).await,
        answered => answered,
    };
    let response = match answered {
        Ok((mut response, under_way)) => {
            if is_relayed {
                proof::unmark(&mut response);
            }
            answer(response, under_way, connection, on_client, visit)
        }
        Err(Failure::Unsent | Failure::Broken) => refusal::broken(),
        Err(Failure::Moved) => refusal::not_here(),
        Err(Failure::Away) => refusal::away(),
        Err(Failure::TooLate) => refusal::too_late(),
        Err(Failure::Stalled) => refusal::stalled(),
        Err(Failure::BadBody) => refusal::bad_body(),
    };
    match &message.upload {
        Some(upload) if !upload.is_whole() => headers::closing(response),
        _ => response,
    }
}

/// Asks a node, and then others as long as repeating the request is safe.
pub(super) async fn ask_nodes(
    app: &App,
    host: &str,
    mut route: Arc<Route>,
    message: &Message,
) -> Result<Answered, Failure> {
    let (mut tried, mut has_repeated) = (Vec::new(), false);
    loop {
        let Nodes { is_tls, all: nodes, .. } = match &*route {
            Route::Nodes(nodes) if nodes.are_doubtful() => return Err(Failure::Moved),
            Route::Nodes(nodes) => nodes,
            Route::Elsewhere(_) => return Err(Failure::Moved),
            Route::Disabled | Route::NoEndpoint => return Err(Failure::Broken),
        };
        let number = app.endpoint.drawn.fetch_add(1, Ordering::Relaxed);
        // If the node that closed the connection is the only one, it is asked again. It most likely closed an
        // idle connection at that moment.
        let again = || has_repeated.then(|| choose(nodes, &[], number)).flatten();
        let Some(node) = choose(nodes, &tried, number).or_else(again) else { return Err(Failure::Unsent) };
        let under_way = node.begin();
        let failure = match ask_node(app, node, *is_tls, message).await {
            Ok(response) => return Ok((response, Some(under_way))),
            Err(failure) => failure,
        };
        match failure {
            Failure::Unsent if message.is_untouched() && tried.len() < nodes.len() => {}
            Failure::Broken if message.may_repeat() && !has_repeated => has_repeated = true,
            _ => return Err(failure),
        }
        tried.push(node.address);
        // A new deployment may have changed the route meanwhile.
        if let Some(now) = app.routes.find(host) {
            route = now;
        }
    }
}

/// Asks one node.
async fn ask_node(
    app: &App,
    node: &Node,
    is_tls: bool,
    message: &Message,
) -> Result<Response<Incoming>, Failure> {
    let scheme = if is_tls { Scheme::HTTPS } else { Scheme::HTTP };
    let request = node.authority.clone().and_then(|authority| message.to(scheme, authority));
    let asking = app.endpoint.pool.request(request.ok_or(Failure::Unsent)?);
    ask(asking, app.limits.answer, &node.address, message).await
}

/// Waits for the answer of a node, or of the replica that has it. `patience` is for the time in which neither the
/// request nor the answer makes progress.
pub(super) async fn ask(
    asking: ResponseFuture,
    patience: Duration,
    address: &impl Display,
    message: &Message,
) -> Result<Response<Incoming>, Failure> {
    let mut asking = std::pin::pin!(asking);
    let mut waiting = std::pin::pin!(tokio::time::sleep(patience));
    let mut expecting = std::pin::pin!(tokio::time::sleep(EXPECTATION));
    let (mut is_expecting, mut is_uploading) = (message.is_expecting, message.upload.is_some());
    loop {
        let ended = async {
            match &message.upload {
                Some(upload) if is_uploading => upload.ended().await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            answer = &mut asking => return answer.map_err(|error| {
                tracing::debug!(%address, error = &error as &dyn std::error::Error, "a node did not answer");
                message.failure(&error)
            }),
            end = ended => {
                if end == End::Broken {
                    return Err(Failure::BadBody);
                }
                is_uploading = false;
            }
            () = &mut expecting, if is_expecting => {
                is_expecting = false;
                if let Some(upload) = &message.upload {
                    upload.open();
                }
            }
            () = &mut waiting => {
                let (moved, awaits_client) = message.upload.as_ref().map_or_else(
                    || (Instant::now() - patience, false),
                    |upload| upload.standing(),
                );
                match moved + patience {
                    until if until > Instant::now() => waiting.as_mut().reset(until),
                    _ if awaits_client => return Err(Failure::Stalled),
                    _ => return Err(Failure::TooLate),
                }
            }
        }
    }
}

impl Message {
    /// The request to a node or a replica.
    pub(super) fn to(&self, scheme: Scheme, authority: Authority) -> Option<Request<Sent>> {
        let mut uri = hyper::http::uri::Parts::default();
        uri.scheme = Some(scheme);
        uri.authority = Some(authority);
        let path = self.head.uri.path_and_query().cloned();
        uri.path_and_query = Some(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        let sent = self.upload.as_ref().map_or(Sent::Nothing, Upload::sent);
        let mut request = Request::new(sent);
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = Uri::from_parts(uri).ok()?;
        *request.headers_mut() = self.head.headers.clone();
        if self.is_expecting
            && let Some(upload) = self.upload.clone()
        {
            on_informational(&mut request, move |informational| {
                if informational.status() == StatusCode::CONTINUE {
                    upload.open();
                }
            });
        }
        Some(request)
    }

    /// Whether another node could still receive all of it.
    fn is_untouched(&self) -> bool {
        self.upload.as_ref().is_none_or(|upload| upload.is_untouched())
    }

    /// Makes sure that no node receives more of it. Returns whether another node could still receive all of it.
    pub(super) fn take_back(&self) -> bool {
        self.upload.as_ref().is_none_or(|upload| upload.take_back())
    }

    /// Whether repeating the request does no harm.
    pub(super) fn may_repeat(&self) -> bool {
        matches!(self.head.method, Method::GET | Method::HEAD | Method::OPTIONS) && self.upload.is_none()
    }

    fn failure(&self, error: &legacy::Error) -> Failure {
        let cause = error.source().and_then(|cause| cause.downcast_ref::<hyper::Error>());
        let is_clients = cause.is_some_and(hyper::Error::is_user) && !self.is_untouched();
        match () {
            () if is_clients => Failure::BadBody,
            () if error.is_connect() || cause.is_some_and(hyper::Error::is_canceled) => Failure::Unsent,
            () => Failure::Broken,
        }
    }
}

/// Turns a node's answer into the answer for the visitor.
fn answer(
    mut response: Response<Incoming>,
    under_way: Option<UnderWay>,
    connection: &Connection,
    on_client: Option<OnUpgrade>,
    visit: Arc<Visit>,
) -> Response<AnswerBody> {
    *response.version_mut() = Version::HTTP_11;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        headers::for_client(response.headers_mut());
        return response.map(|body| AnswerBody::Node(NodeBody::new(body, under_way, visit)));
    }
    let (Some(on_client), Some(upgrade)) = (on_client, headers::upgrade(response.headers())) else {
        return refusal::broken();
    };
    let on_node = hyper::upgrade::on(&mut response);
    headers::for_client(response.headers_mut());
    headers::set_upgrade(response.headers_mut(), upgrade);
    visit.turn.unwatch();
    connection.tunnel.open(on_client, on_node, (under_way, visit));
    response.map(|_| AnswerBody::Small(http_body_util::Full::default()))
}
