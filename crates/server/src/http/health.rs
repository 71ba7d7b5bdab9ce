//! Health: `/healthz` says whether the server is alive, and `/readyz` whether it is ready for requests.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gangplank_store::StoreError;
use gangplank_store::metadata::Agreed as _;
use hyper::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use hyper::{Method, Request, StatusCode, Version};

use super::response::Answer;
use crate::app::App;

/// The path that answers while the server is alive.
pub(super) const ALIVE: &str = "/healthz";
/// The path that answers whether the server is ready for requests.
pub(super) const READY: &str = "/readyz";

/// The answer to callers that need not know the reason.
const NOT_READY: &str = "not ready";

/// How long a server is not ready because it does not know the services that others run.
const UNKNOWING: Duration = Duration::from_secs(10);

/// Whether a request is the check of a load balancer that speaks HTTP/1.0 and names no host, as `HAProxy` does by
/// default. No other request may leave out the host.
pub(super) fn is_bare_check<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    request.version() == Version::HTTP_10
        && matches!(*request.method(), Method::GET | Method::HEAD)
        && matches!(request.uri().path(), ALIVE | READY)
        && request.uri().authority().is_none()
        && ![HOST, CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| headers.contains_key(name))
}

/// The answer on the admin listener, with the fault. `None` for any other path.
pub(super) async fn to_operators(app: &App, path: &str) -> Option<Answer> {
    let fault = match path {
        ALIVE => None,
        READY => fault(app).await,
        _ => return None,
    };
    Some(match fault {
        Some(fault) => answer(StatusCode::SERVICE_UNAVAILABLE, &fault),
        None => good(path),
    })
}

/// The answer on the main listener, without the fault.
pub(super) async fn to_anybody(app: &App, path: &str) -> Answer {
    let is_good = path != READY || fault(app).await.is_none();
    if is_good { good(path) } else { answer(StatusCode::SERVICE_UNAVAILABLE, NOT_READY) }
}

/// The answer while the store is out of reach at the start. `None` for any other path.
pub(super) fn while_waiting(path: &str, tells_why: bool) -> Option<Answer> {
    let why = if tells_why { "the database is out of reach" } else { NOT_READY };
    match path {
        ALIVE => Some(good(path)),
        READY => Some(answer(StatusCode::SERVICE_UNAVAILABLE, why)),
        _ => None,
    }
}

/// The fault that keeps the server from working, and advice. `None` if there is none.
async fn fault(app: &App) -> Option<Cow<'static, str>> {
    if app.is_leaving.load(Ordering::Acquire) {
        return Some("the server is stopping".into());
    }
    match app.clock.cluster() {
        Some(cluster) => {
            if let Some(trouble) = cluster.trouble() {
                return Some(trouble.to_string().into());
            }
            // An engine that hangs may keep this server from knowing. The server is then still useful as a registry.
            if !app.knows_services() && app.routes.age() < UNKNOWING {
                return Some("it is not known yet where services run".into());
            }
        }
        None if !app.metadata.is_healthy() => {
            return Some("the database takes no writes; restart the server".into());
        }
        None => {}
    }
    // A bucket out of reach is no fault here. Otherwise all servers would leave at once, and requests that need no
    // bytes would fail, too.
    match app.blobs.require(0).await {
        Err(StoreError::Unavailable(_)) => {
            Some("the folder of bytes, or of parts for the bucket, is gone; is its disk mounted?".into())
        }
        _ => None,
    }
}

fn good(path: &str) -> Answer {
    answer(StatusCode::OK, if path == ALIVE { "ok" } else { "ready" })
}

fn answer(status: StatusCode, text: &str) -> Answer {
    Answer::new(status).body("text/plain; charset=utf-8", format!("{text}\n"))
}
