//! Whether a server is alive, and fit to be sent requests: `/healthz` and `/readyz`.

use gangplank_store::StoreError;
use hyper::StatusCode;

use super::response::Answer;
use crate::app::App;

/// Where a server says that it is alive.
pub(super) const ALIVE: &str = "/healthz";
/// Where it says whether it is fit to be sent requests.
pub(super) const READY: &str = "/readyz";

/// To whoever asks at the admin listener: with what is the matter.
pub(super) async fn to_operators(app: &App, path: &str, is_stopping: bool) -> Option<Answer> {
    let fault = match path {
        ALIVE => None,
        READY if is_stopping => Some("the server is stopping"),
        READY => fault(app).await,
        _ => return None,
    };
    Some(match fault {
        Some(fault) => answer(StatusCode::SERVICE_UNAVAILABLE, fault),
        None => good(path),
    })
}

/// To anybody, where everybody asks: without.
pub(super) async fn to_anybody(app: &App, path: &str) -> Answer {
    let is_good = path != READY || fault(app).await.is_none();
    if is_good { good(path) } else { answer(StatusCode::SERVICE_UNAVAILABLE, "not ready") }
}

/// What keeps the server from its work, and what to do.
async fn fault(app: &App) -> Option<&'static str> {
    if !app.metadata.is_healthy() {
        return Some("the database takes no writes; restart the server");
    }
    match app.blobs.require(0).await {
        Err(StoreError::Unavailable(_)) => Some("the folder of bytes is gone; is its disk mounted?"),
        _ => None,
    }
}

fn good(path: &str) -> Answer {
    answer(StatusCode::OK, if path == ALIVE { "ok" } else { "ready" })
}

fn answer(status: StatusCode, text: &str) -> Answer {
    Answer::new(status).body("text/plain; charset=utf-8", format!("{text}\n"))
}
