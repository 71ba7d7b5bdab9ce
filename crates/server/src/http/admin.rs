//! The admin listener: health with the fault, and `/metrics`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use gangplank_core::Time;
use hyper::body::Incoming;
use hyper::header::ACCEPT;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::health;
use super::hygiene::refusal;
use super::response::Answer;
use crate::app::App;
use crate::metrics::{Exposition, Rows, Standing};

const HEADER_READ: Duration = Duration::from_secs(10);

/// The most open connections. Each needs a file descriptor, and most of those are meant for the registry.
const CONNECTIONS: usize = 64;

/// The most buffered bytes of one connection.
const BUFFER: usize = 16 << 10;

/// How long `/metrics` waits for the database. A scrape fails after 10 s by default.
const PATIENCE: Duration = Duration::from_secs(3);

/// The most accounts whose bytes are reported.
const MOST_ACCOUNTS: usize = 1_000;

pub(crate) async fn serve(listener: TcpListener, app: Arc<App>, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
                let serving = serve_one(stream, Arc::clone(&app), stop.clone());
                tokio::spawn(async move {
                    serving.await;
                    drop(place);
                });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve_one(stream: TcpStream, app: Arc<App>, stop: CancellationToken) {
    let service = service_fn(|request: Request<Incoming>| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Infallible>(answer(&request, &app).await.into_response()) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        () = stop.cancelled() => {}
        _ = connection => {}
    }
}

async fn answer(request: &Request<Incoming>, app: &App) -> Answer {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return refusal(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
    }
    match request.uri().path() {
        "/metrics" => measured(request, app).await,
        path => health::to_operators(app, path).await.unwrap_or_else(|| {
            refusal(StatusCode::NOT_FOUND, "nothing here: ask /healthz, /readyz or /metrics")
        }),
    }
}

async fn measured(request: &Request<Incoming>, app: &App) -> Answer {
    let rows = match timeout(PATIENCE, count_rows(app)).await {
        Ok(Ok(rows)) => Some(rows),
        Ok(Err(error)) => {
            tracing::warn!(%error, "/metrics lacks the counts of rows, because the database cannot be read");
            None
        }
        Err(_) => {
            tracing::warn!("/metrics lacks the counts of rows, because the database does not answer");
            None
        }
    };
    let standing = Standing {
        rows,
        connections: app.connections.count(),
        is_database_up: app.metadata.is_healthy(),
        space: app.blobs.space().await.ok().flatten(),
        reserve: app.limits.disk_reserve,
    };
    let form = Exposition::accepted(request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()));
    Answer::new(StatusCode::OK).body(form.content_type(), app.metrics.text(form, &standing))
}

async fn count_rows(app: &App) -> gangplank_store::Result<Rows> {
    let backlog = app.metadata.discarded_backlog().await?;
    let now = app.clock.steady();
    Ok(Rows {
        open_uploads: app.metadata.count_uploads().await?,
        discarded: backlog.contents,
        discarded_age: backlog.oldest.map_or(Duration::ZERO, |oldest| between(oldest, now)),
        account_bytes: if app.metrics.counts_accounts {
            app.metadata.largest_accounts(MOST_ACCOUNTS).await?
        } else {
            Vec::new()
        },
    })
}

fn between(earlier: Time, later: Time) -> Duration {
    Duration::from_millis(later.0.saturating_sub(earlier.0).try_into().unwrap_or(0))
}
