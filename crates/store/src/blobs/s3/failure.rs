//! What a failed call means to whoever stores.

use gangplank_s3::Error;

use crate::StoreError;

/// A call failed that has nothing to do with an upload that may be over.
pub(super) fn failed(error: Error) -> StoreError {
    let said = error.to_string();
    if error.is_full() { StoreError::full(said) } else { StoreError::unavailable(said) }
}

/// A call of a multipart upload failed: if there is no such upload any more, it is over.
pub(super) fn failed_upload(error: Error) -> StoreError {
    let is_over = error.is_no_upload() && !error.is_code(&["NoSuchBucket"]);
    if is_over { StoreError::damaged(format!("the upload is over: {error}")) } else { failed(error) }
}
