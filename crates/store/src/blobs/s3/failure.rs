//! How errors of the S3 client become errors of the store.

use gangplank_s3::Error;

use crate::StoreError;

/// The error of a call that is no part of a multipart upload.
pub(super) fn failed(error: Error) -> StoreError {
    let said = error.to_string();
    if error.is_full() { StoreError::full(said) } else { StoreError::unavailable(said) }
}

/// The error of a call of a multipart upload. An upload that no longer exists is over.
pub(super) fn failed_upload(error: Error) -> StoreError {
    if error.is_no_upload() {
        StoreError::damaged(format!("the upload is over: {error}"))
    } else {
        failed(error)
    }
}
