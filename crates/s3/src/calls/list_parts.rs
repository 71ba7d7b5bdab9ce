//! `ListParts`, used only to see whether an upload is open: servers differ in the parts that they list.

use hyper::Method;

use crate::client::Client;
use crate::error::Result;
use crate::request::Call;

impl Client {
    /// Whether a multipart upload is open.
    ///
    /// # Errors
    /// If the server does not answer, or refuses for another reason than a missing upload.
    pub async fn is_upload_open(&self, key: &str, upload: &str) -> Result<bool> {
        let call = Call::new("ListParts", Method::GET, key).query("uploadId", upload).query("max-parts", "1");
        match self.whole(&call).await {
            Err(error) if error.is_no_upload() => Ok(false),
            answer => answer.map(|_| true),
        }
    }
}
