//! The body of a call: measured before it is read, and read only so far.

use gangplank_api::{ApiError, ErrorCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::Result;
use crate::app::App;

/// Refuses a body that says by itself that it is too long.
pub(super) fn check_length(app: &App, body: &Incoming) -> Result<()> {
    if body.size_hint().lower() > app.limits.api_body_bytes { Err(too_large(app).into()) } else { Ok(()) }
}

/// Reads a body. A client may be slow; it may not stop.
pub(super) async fn read(app: &App, mut body: Incoming) -> Result<Vec<u8>> {
    let limit = usize::try_from(app.limits.api_body_bytes).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    loop {
        let frame = match tokio::time::timeout(app.limits.body_stall, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => return Ok(bytes),
            Ok(Some(Err(_))) => {
                return Err(ApiError::serialization("The request's body ended early.").into());
            }
            Err(_) => {
                let message = "The request's body stopped coming.";
                return Err(ApiError::new(ErrorCode::RequestTimeoutException, message).into());
            }
        };
        let Ok(piece) = frame.into_data() else { continue };
        if bytes.len() + piece.len() > limit {
            return Err(too_large(app).into());
        }
        bytes.extend_from_slice(&piece);
    }
}

fn too_large(app: &App) -> ApiError {
    let limit = app.limits.api_body_bytes;
    let message = format!("The request's body is too large; at most {limit} bytes are read.");
    ApiError::new(ErrorCode::RequestEntityTooLarge, message)
}
