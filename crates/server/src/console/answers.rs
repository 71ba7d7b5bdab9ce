//! The answers of the console, with headers that isolate its pages from other sites.

use gangplank_console::Page;
use gangplank_console::assets::Asset;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HeaderName, IF_NONE_MATCH, LOCATION, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{HeaderMap, StatusCode};

use crate::http::response::Answer;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");

/// Answers with a page.
pub(super) fn page(status: StatusCode, page: &impl Page) -> Answer {
    match page.html() {
        Ok(html) => fenced(status).header(CACHE_CONTROL, "no-store").body("text/html; charset=utf-8", html),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            let words = "The page cannot be written; see the server's log.\n";
            fenced(StatusCode::INTERNAL_SERVER_ERROR)
                .header(CACHE_CONTROL, "no-store")
                .body("text/plain; charset=utf-8", words)
        }
    }
}

/// Redirects to another page, which the browser gets with GET.
pub(super) fn see_other(path: &str) -> Answer {
    fenced(StatusCode::SEE_OTHER).header(CACHE_CONTROL, "no-store").header(LOCATION, path)
}

/// Answers with a file to download. Its bytes come from clients, so a browser must never show them as a page.
pub(super) fn download(name: &str, bytes: Vec<u8>) -> Answer {
    let disposition = format!("attachment; filename=\"{name}\"");
    fenced(StatusCode::OK)
        .header(CACHE_CONTROL, "no-store")
        .header(hyper::header::CONTENT_DISPOSITION, disposition)
        .body("application/octet-stream", bytes)
}

/// Answers with a file that pages load. The content at its path never changes.
pub(super) fn asset(headers: &HeaderMap, asset: Option<&Asset>) -> Answer {
    let Some(asset) = asset else {
        let answer = fenced(StatusCode::NOT_FOUND).header(CACHE_CONTROL, "no-store");
        return answer.body("text/plain; charset=utf-8", "There is no such file.\n");
    };
    let tag = format!("\"{}\"", gangplank_console::assets::VERSION);
    let is_there = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let status = if is_there { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let answer =
        fenced(status).header(CACHE_CONTROL, "public, max-age=31536000, immutable").header(ETAG, tag);
    if is_there { answer } else { answer.body(asset.media_type, asset.bytes) }
}

fn fenced(status: StatusCode) -> Answer {
    Answer::new(status)
        .header(CONTENT_SECURITY_POLICY, POLICY)
        .header(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(OPENER, "same-origin")
        .header(RESOURCE, "same-origin")
        .header(PERMISSIONS, "camera=(), geolocation=(), microphone=()")
}
