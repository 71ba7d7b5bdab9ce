//! Accepts connections until told to stop, then waits for those that are open.

use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::connection;
use crate::app::App;

/// How long to wait when the system has no more file descriptors to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How often it is said that connections cannot be accepted.
const SAID_EVERY: Duration = Duration::from_mins(1);

/// How long, after the server was told to stop, a request may take to show whose it is.
const STRANGERS: Duration = Duration::from_secs(1);

/// Says whether every request was finished in the time for it.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    app: Arc<App>,
    stop: CancellationToken,
) -> bool {
    let drain = app.limits.drain;
    let graceful = GracefulShutdown::new();
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
        // If nobody can give way the connection is closed at once: refusing is better than running out.
        let Some(guest) = app.connections.open(peer.ip(), &app.proxies) else { continue };
        let guest = Arc::new(guest);
        let (app, tls, watcher) = (Arc::clone(&app), tls.clone(), graceful.watcher());
        let serving = connection::serve(stream, peer, tls, app, Arc::clone(&guest), watcher, stop.clone());
        guest.is_served_by(tokio::spawn(serving).abort_handle());
    }
    drop(listener);
    app.requests.close();
    let finished = async { tokio::join!(graceful.shutdown(), app.requests.wait()) };
    let strangers = async {
        tokio::time::sleep(STRANGERS).await;
        // What nobody authenticated is nothing to wait for.
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
    drained
}

/// Whether a connection failed by itself, and the next may be well.
fn is_the_clients(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}

/// Counts what cannot be accepted, and says it now and then.
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
