//! `AbortMultipartUpload`.

use hyper::Method;

use crate::client::Client;
use crate::error::Result;
use crate::request::Call;

impl Client {
    /// Ends a multipart upload and deletes its parts. If there is no such upload, nothing happens. Parts that
    /// are being sent may survive.
    ///
    /// # Errors
    /// If the server refuses or does not answer.
    pub async fn abort_multipart_upload(&self, key: &str, upload: &str) -> Result<()> {
        let call = Call::new("AbortMultipartUpload", Method::DELETE, key).query("uploadId", upload);
        match self.acknowledged(&call, |_| Ok(())).await {
            Err(error) if error.is_no_upload() => Ok(()),
            answer => answer,
        }
    }
}
