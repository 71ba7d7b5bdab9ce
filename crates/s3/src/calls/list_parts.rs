//! `ListParts`, asked only whether there are any: its lists are not the same everywhere.

use hyper::Method;

use crate::client::Client;
use crate::error::Result;
use crate::request::Call;

impl Client {
    /// Whether a multipart upload is open.
    ///
    /// # Errors
    /// If the server refuses for another reason than that there is none, or does not answer.
    pub async fn is_upload_open(&self, key: &str, upload: &str) -> Result<bool> {
        let call = Call::new("ListParts", Method::GET, key).query("uploadId", upload).query("max-parts", "1");
        match self.whole(&call).await {
            Err(error) if error.is_no_upload() => Ok(false),
            answer => answer.map(|_| true),
        }
    }
}
