//! Connections to nodes and to other replicas, which are reused.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper::http::uri::Scheme;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::client::legacy::{Builder, Client};
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

/// A client that reuses connections. If a connection turns out to be closed before anything was written, the request
/// is sent over another one. It never repeats anything else.
pub(crate) type Pool = Client<Dialer, Sent>;

/// A pool of connections to nodes, empty at first.
pub(super) fn of_nodes() -> Pool {
    keeping(IDLE).build(Dialer::OfNodes)
}

/// A pool of connections to other replicas, empty at first.
pub(super) fn of_replicas() -> Pool {
    keeping(IDLE_REPLICA).http1_max_headers(HEADERS).build(Dialer::OfReplicas)
}

fn keeping(idle: Duration) -> Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_idle_timeout(idle).pool_timer(TokioTimer::new()).set_host(false).http1_max_buf_size(BUFFER);
    builder
}

/// Connects to the address that a URL has.
#[derive(Clone, Copy)]
pub(crate) enum Dialer {
    /// The address is a node's.
    OfNodes,
    /// The address is a replica's.
    OfReplicas,
}

impl Dialer {
    async fn dial(self, url: Uri) -> io::Result<NodeStream> {
        let address = url.authority().ok_or(io::ErrorKind::AddrNotAvailable)?.as_str();
        match self {
            Self::OfNodes => {
                let address = address.parse().map_err(|_| io::ErrorKind::AddrNotAvailable)?;
                dial(address, url.scheme() == Some(&Scheme::HTTPS)).await
            }
            Self::OfReplicas => dial_replica(address).await,
        }
    }

    /// How long the other end may take to accept a connection.
    fn patience(self) -> Duration {
        match self {
            Self::OfNodes => CONNECT,
            Self::OfReplicas => CONNECT_REPLICA,
        }
    }
}

impl Service<Uri> for Dialer {
    type Response = TokioIo<NodeStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<NodeStream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let dialer = *self;
        Box::pin(async move {
            let stream = tokio::time::timeout(dialer.patience(), dialer.dial(url)).await;
            Ok(TokioIo::new(stream.map_err(|_| io::ErrorKind::TimedOut)??))
        })
    }
}

impl Connection for NodeStream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}
