//! Connections to nodes and to other replicas, which are reused.

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

use super::dial::{NodeStream, dial, dial_replica};
use super::upload::Sent;

/// How long a connection may be idle. Common servers close theirs after 5 s, and a request at that moment is
/// lost.
const IDLE: Duration = Duration::from_secs(4);

/// How long a node may take to accept a connection. Nodes are on this machine or near it.
const CONNECT: Duration = Duration::from_secs(5);

/// The most buffered bytes of a node's answer, and so the longest head of an answer.
const BUFFER: usize = 128 << 10;

/// How long a connection to a replica may be idle. The replica closes it only after five times as long.
const IDLE_REPLICA: Duration = Duration::from_mins(1);

/// How long a replica may take to accept a connection.
const CONNECT_REPLICA: Duration = Duration::from_secs(2);

/// The most headers of a replica's answer: the headers of a node's answer, and the replica's own.
const HEADERS: usize = 108;

/// The client for nodes. If a connection turns out to be closed before anything was written, the request is
/// sent over another one. It never repeats anything else.
pub(super) type Pool = Client<Dialer, Sent>;

/// The client for other replicas, which repeats nothing else either.
pub(crate) type Replicas = Client<ReplicaDialer, Sent>;

/// A pool without connections to replicas.
pub(super) fn replicas() -> Replicas {
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE_REPLICA)
        .pool_timer(TokioTimer::new())
        .set_host(false)
        .http1_max_buf_size(BUFFER)
        .http1_max_headers(HEADERS)
        .build(ReplicaDialer)
}

/// A pool without connections to nodes.
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

/// Connects to the replica whose address a URL has.
#[derive(Clone)]
pub(crate) struct ReplicaDialer;

impl Service<Uri> for ReplicaDialer {
    type Response = TokioIo<NodeStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<NodeStream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, replica: Uri) -> Self::Future {
        Box::pin(async move {
            let address = replica.authority().ok_or(io::ErrorKind::AddrNotAvailable)?;
            let stream = tokio::time::timeout(CONNECT_REPLICA, dial_replica(address.as_str())).await;
            Ok(TokioIo::new(stream.map_err(|_| io::ErrorKind::TimedOut)??))
        })
    }
}

impl Connection for NodeStream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}
