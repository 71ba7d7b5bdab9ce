//! Accepts connections until it is told to stop. Then it waits for the open connections.

use std::io::{Error, ErrorKind};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use gangplank_core::Network;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection;
use crate::app::App;
use crate::config::Limits;

/// How long to wait when the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How often the log says that connections cannot be accepted.
const SAID_EVERY: Duration = Duration::from_mins(1);

/// After a stop, how long a connection may take to authenticate its request.
const STRANGERS: Duration = Duration::from_secs(1);

/// Whom a listener is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Clients of this server, and visitors of services.
    #[default]
    All,
    /// Only visitors of services.
    Visitors,
    /// Only other replicas.
    Replicas,
    /// Visitors of services who came in plain HTTP. They are sent on to `https://`.
    PlainHttp,
}

/// The listener that accepted a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gate {
    /// The port of the listener.
    pub(crate) port: u16,
    /// Whether clients must speak TLS.
    pub(crate) is_tls: bool,
    /// Whom the port is for.
    pub(crate) audience: Audience,
}

/// How long a connection of another replica may be idle. Its own limit is shorter, so this server never closes a
/// connection at the moment of a request.
const IDLE_REPLICA: Duration = Duration::from_mins(5);

/// The headers that a replica adds to the request of a visitor, and their bytes together.
const ADDED: (usize, usize) = (8, 2 << 10);

/// The networks of replicas: a replica may have any address. It stands for many visitors, as a proxy does.
static ANYWHERE: LazyLock<Vec<Network>> =
    LazyLock::new(|| ["0.0.0.0/0", "::/0"].iter().filter_map(|all| all.parse().ok()).collect());

impl Gate {
    /// The limits for requests. A replica adds headers to a visitor's request, which may already have as many
    /// as the limits allow.
    pub(crate) fn limits(self, configured: &Limits) -> Limits {
        match self.audience {
            Audience::All | Audience::Visitors | Audience::PlainHttp => *configured,
            Audience::Replicas => Limits {
                headers: configured.headers + ADDED.0,
                header_bytes: configured.header_bytes + ADDED.1,
                idle: IDLE_REPLICA,
                ..*configured
            },
        }
    }
}

/// Accepts and serves connections. Returns whether every request finished in time. Requests that nodes were
/// answering do not count, because they leave nothing behind.
pub(crate) async fn serve(
    listener: TcpListener,
    gate: Gate,
    tls: Option<TlsAcceptor>,
    app: Arc<App>,
    stop: CancellationToken,
) -> bool {
    let drain = app.limits.drain;
    let open = TaskTracker::new();
    let mut failures = Failures::default();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_the_clients(&error) => continue,
            Err(error) => {
                failures.count(&error);
                app.connections.make_room();
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // If no other connection can be closed, the new one is closed. Otherwise the server would run out of file
        // descriptors.
        let proxies = if gate.audience == Audience::Replicas { &*ANYWHERE } else { &app.proxies };
        let Some(guest) = app.connections.open(peer.ip(), proxies) else { continue };
        let guest = Arc::new(guest);
        let (app, tls) = (Arc::clone(&app), tls.clone());
        let serving = connection::serve(
            stream,
            peer,
            (gate, tls),
            app,
            Arc::clone(&guest),
            // A child token has its own lock. A waiting task polls its token often, so all connections would contend
            // for one lock.
            stop.child_token(),
        );
        guest.is_served_by(open.spawn(serving).abort_handle());
    }
    drop(listener);
    app.requests.close();
    open.close();
    let finished = async { tokio::join!(open.wait(), app.requests.wait()) };
    let strangers = async {
        tokio::time::sleep(STRANGERS).await;
        // A stop does not wait for unauthenticated connections.
        app.connections.end_strangers();
        std::future::pending::<()>().await;
    };
    let drained = tokio::select! {
        finished = tokio::time::timeout(drain, finished) => finished.is_ok(),
        () = strangers => false,
    };
    if !drained {
        tracing::warn!("requests were still running when the time to drain was over");
    }
    drained || app.requests.is_empty()
}

/// Whether only this connection failed, so that the next may work.
fn is_the_clients(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}

/// Counts failures to accept, and logs them now and then.
#[derive(Default)]
struct Failures {
    since_said: u64,
    said: Option<Instant>,
}

impl Failures {
    fn count(&mut self, error: &Error) {
        self.since_said += 1;
        if self.said.is_none_or(|said| said.elapsed() >= SAID_EVERY) {
            let times = self.since_said;
            tracing::warn!(
                %error,
                times,
                "cannot accept connections; if too many files are open, raise the limit on them (ulimit -n, or \
                 LimitNOFILE of systemd)"
            );
            (self.since_said, self.said) = (0, Some(Instant::now()));
        }
    }
}
