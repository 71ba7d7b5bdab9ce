//! Connections to nodes, which are reused.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper::http::uri::Scheme;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tower_service::Service;

use super::dial::{NodeStream, dial};
use super::upload::Sent;

/// How long a connection may be idle. Common servers close theirs after 5 s, and a request at that moment is
/// lost.
const IDLE: Duration = Duration::from_secs(4);

/// How long a node may take to accept a connection. Nodes are on this machine or near it.
const CONNECT: Duration = Duration::from_secs(5);

/// The most buffered bytes of a node's answer, and so the longest head of an answer.
const BUFFER: usize = 128 << 10;

/// The client for nodes. If a connection turns out to be closed before anything was written, the request is
/// sent over another one. It never repeats anything else.
pub(super) type Pool = Client<Dialer, Sent>;

/// A pool without connections.
pub(super) fn new() -> Pool {
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_timer(TokioTimer::new())
        .set_host(false)
        .http1_max_buf_size(BUFFER)
        .build(Dialer)
}

/// Connects to the node whose address a URL has.
#[derive(Clone)]
pub(super) struct Dialer;

impl Service<Uri> for Dialer {
    type Response = TokioIo<NodeStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<NodeStream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, node: Uri) -> Self::Future {
        Box::pin(async move {
            let address = node.authority().and_then(|it| it.as_str().parse::<SocketAddr>().ok());
            let address = address.ok_or(io::ErrorKind::AddrNotAvailable)?;
            let is_tls = node.scheme() == Some(&Scheme::HTTPS);
            let stream = tokio::time::timeout(CONNECT, dial(address, is_tls)).await;
            Ok(TokioIo::new(stream.map_err(|_| io::ErrorKind::TimedOut)??))
        })
    }
}

impl Connection for NodeStream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}
