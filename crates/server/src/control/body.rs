//! The body of a call. Its length is limited before and while it is read.

use std::net::IpAddr;
use std::time::Duration;

use gangplank_api::{ApiError, ErrorCode};
use hyper::body::{Body as _, Incoming};

use super::Result;
use crate::app::App;
use crate::http::small_body::{SmallBody, Unread};
use crate::http::unverified::Share;

/// A small body has at most this many bytes, and arrives at most this long after its head.
const SMALL: u64 = 4 << 10;
const AT_ONCE: Duration = Duration::from_millis(50);

/// Refuses a body whose declared length exceeds `limit` bytes.
pub(super) fn check_length(limit: u64, body: &Incoming) -> Result<()> {
    let too_long = body.size_hint().lower() > limit;
    if too_long { Err(refusal(limit, Unread::TooLong).into()) } else { Ok(()) }
}

/// Reads at most `limit` bytes of a body whose caller is not verified yet. The client may be slow, but may not
/// pause for too long.
pub(super) async fn read(app: &App, peer: IpAddr, limit: u64, body: Incoming) -> Result<SmallBody<Share>> {
    let read = app.unverified.read(peer, body, limit, app.limits.body_stall).await;
    read.map_err(|unread| refusal(limit, unread).into())
}

/// Reads a small body that has arrived with its head. `None` if it has not arrived.
pub(super) async fn read_what_is_there(app: &App, peer: IpAddr, body: Incoming) -> Option<SmallBody<Share>> {
    app.unverified.read(peer, body, SMALL, AT_ONCE).await.ok()
}

/// Moves a verified body from the memory for unverified bodies to the memory for verified ones.
pub(super) fn admit(app: &App, body: SmallBody<Share>) -> Result<SmallBody> {
    let limit = app.limits.api_body_bytes;
    app.small_bodies.take_over(body).map_err(|unread| refusal(limit, unread).into())
}

fn refusal(limit: u64, unread: Unread) -> ApiError {
    let (code, message) = match unread {
        Unread::TooLong => {
            let message = format!("The request's body is too large; at most {limit} bytes are read.");
            (ErrorCode::RequestEntityTooLarge, message)
        }
        Unread::Stalled => {
            (ErrorCode::RequestTimeoutException, "The request's body stopped coming.".to_owned())
        }
        Unread::Broken => (ErrorCode::SerializationException, "The request's body ended early.".to_owned()),
        Unread::NoRoom => {
            let message = "The server is reading too many large requests at once; try again.";
            (ErrorCode::ServiceUnavailable, message.to_owned())
        }
    };
    ApiError::new(code, message)
}
