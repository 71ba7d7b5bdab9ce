//! Accepts connections until it is told to stop. Then it waits for those that are open.

use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection;
use crate::app::App;

/// How long to wait when the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How often the log says that connections cannot be accepted.
const SAID_EVERY: Duration = Duration::from_mins(1);

/// After a stop, how long a connection may take to authenticate its request.
const STRANGERS: Duration = Duration::from_secs(1);

/// The listener that accepted a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gate {
    /// The port of the listener.
    pub(crate) port: u16,
    /// Whether clients must speak TLS.
    pub(crate) is_tls: bool,
    /// Whether only services answer on this port.
    pub(crate) only_services: bool,
    /// Whether requests are plain HTTP, and are only sent on to `https://`.
    pub(crate) sends_on: bool,
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
        // No other connection can be closed, so the new one is. Otherwise the server would run out of file
        // descriptors.
        let Some(guest) = app.connections.open(peer.ip(), &app.proxies) else { continue };
        let guest = Arc::new(guest);
        let (app, tls) = (Arc::clone(&app), tls.clone());
        let serving = connection::serve(
            stream,
            peer,
            (gate, tls),
            app,
            Arc::clone(&guest),
            // A child token has a lock of its own. A waiting task polls its token often, so all connections
            // would contend for one lock.
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
