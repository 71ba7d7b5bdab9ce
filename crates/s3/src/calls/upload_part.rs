//! `UploadPart`.

use hyper::Method;

use crate::calls::etag;
use crate::client::Client;
use crate::error::Result;
use crate::payload::{Guard, Payload};
use crate::request::Call;

impl Client {
    /// Uploads a part, and replaces an older one of this number. Returns its entity tag, which completes the
    /// upload later.
    ///
    /// # Errors
    /// If the server refuses or does not answer. The part may exist even then.
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
        self.acknowledged(&call, |headers| etag(NAME, headers)).await
    }
}
