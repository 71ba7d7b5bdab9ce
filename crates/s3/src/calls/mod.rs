//! The calls of S3, each in a separate file.

mod abort;
pub(crate) mod complete;
mod create;
mod delete;
pub(crate) mod delete_many;
pub(crate) mod get;
pub(crate) mod head;
pub(crate) mod list;
mod list_parts;
pub(crate) mod list_uploads;
mod put;
mod upload_part;

use hyper::HeaderMap;

use crate::error::{Error, Result};

/// The entity tag of an answer, as the server wrote it.
fn etag(call: &'static str, headers: &HeaderMap) -> Result<String> {
    let found = headers.get("etag").and_then(|value| value.to_str().ok()).filter(|etag| !etag.is_empty());
    found.map(str::to_owned).ok_or_else(|| Error::NotS3 { call, why: "it has no ETag".to_owned() })
}
