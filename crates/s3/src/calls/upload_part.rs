//! `UploadPart`.

use hyper::Method;

use crate::calls::etag;
use crate::client::Client;
use crate::error::Result;
use crate::payload::{Guard, Payload};
use crate::request::Call;

impl Client {
    /// Uploads a part, or another in its place, and returns its entity tag, which the end of the upload names it by.
    ///
    /// # Errors
    /// If the server refuses or does not answer; then the part may be there all the same.
    pub async fn upload_part(
        &self,
        key: &str,
        upload: &str,
        number: u32,
        payload: Payload,
        guard: Guard,
    ) -> Result<String> {
        const NAME: &str = "UploadPart";
        let call = Call::new(NAME, Method::PUT, key)
            .query("partNumber", number.to_string())
            .query("uploadId", upload)
            .payload(payload, guard);
        etag(NAME, &self.whole(&call).await?.headers)
    }
}
