//! Accepts connections until told to stop, then waits for those that are open.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::connection;
use crate::app::App;

/// How long to wait when the system has no more file descriptors to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Says whether every request was finished in the time for it.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    app: Arc<App>,
    stop: CancellationToken,
) -> bool {
    let drain = app.limits.drain;
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(app.limits.connections));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Over the cap the connection is closed at once: refusing is better than running out.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (app, tls, watcher) = (Arc::clone(&app), tls.clone(), graceful.watcher());
        let stop = stop.clone();
        tokio::spawn(async move {
            connection::serve(stream, peer, tls, app, watcher, stop).await;
            drop(place);
        });
    }
    drop(listener);
    app.requests.close();
    let finished = async { tokio::join!(graceful.shutdown(), app.requests.wait()) };
    let drained = tokio::time::timeout(drain, finished).await.is_ok();
    if !drained {
        tracing::warn!("requests were still running when the time to drain was over");
    }
    drained
}
