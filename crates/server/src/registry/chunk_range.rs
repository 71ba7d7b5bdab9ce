//! The `Content-Range` of a chunk, held against the session that it is for.

use gangplank_core::upload::{self, ChunkRefusal};
use gangplank_oci::{ContentRange, OciError};
use hyper::HeaderMap;
use hyper::body::{Body as _, Incoming};
use hyper::header::CONTENT_RANGE;

use super::ingest::Cut;
use crate::app::App;

/// How long the body must be, if it has a `Content-Range`.
///
/// # Errors
/// If the range does not begin at `received`, or is not as long as the body; but a last request without a body may
/// say once more what was received.
pub(super) fn expected_length(
    app: &App,
    headers: &HeaderMap,
    received: u64,
    body: &Incoming,
    is_last: bool,
) -> Result<Option<u64>, OciError> {
    let Some(header) = headers.get(CONTENT_RANGE) else { return Ok(None) };
    let range =
        header.to_str().ok().and_then(|text| ContentRange::parse(text).ok()).ok_or_else(|| {
            OciError::blob_upload_invalid("Content-Range is written <first byte>-<last byte>")
        })?;
    let length = body.size_hint().exact();
    if is_last && upload::repeats(received, range.first, range.last, length) {
        return Ok(Some(0));
    }
    match upload::check_chunk(received, range.first, range.last, length) {
        Ok(()) => Ok(Some(range.len())),
        Err(ChunkRefusal::OutOfOrder) => Err(OciError::blob_upload_range(format!(
            "the chunk starts at byte {}, but the upload stands at {received}",
            range.first
        ))),
        Err(ChunkRefusal::LengthMismatch) => Err(Cut::WrongLength.refusal(app)),
    }
}
