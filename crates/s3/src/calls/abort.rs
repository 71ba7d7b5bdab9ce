//! `AbortMultipartUpload`.

use hyper::Method;

use crate::client::Client;
use crate::error::Result;
use crate::request::Call;

impl Client {
    /// Ends a multipart upload and deletes its parts, if there is one. Parts that are on their way may survive.
    ///
    /// # Errors
    /// If the server refuses or does not answer.
    pub async fn abort_multipart_upload(&self, key: &str, upload: &str) -> Result<()> {
        let call = Call::new("AbortMultipartUpload", Method::DELETE, key).query("uploadId", upload);
        match self.whole(&call).await {
            Err(error) if error.is_no_upload() => Ok(()),
            answer => answer.map(drop),
        }
    }
}
