//! `HeadObject`.

use hyper::Method;
use hyper::header::CONTENT_LENGTH;

use crate::calls::etag;
use crate::client::{Answer, Client};
use crate::error::{Error, Result};
use crate::request::Call;

/// The metadata of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its length in bytes.
    pub length: u64,
    /// Its entity tag, as the server writes it.
    pub etag: String,
}

impl Client {
    /// Looks at an object; `None` if there is none.
    ///
    /// # Errors
    /// If the server refuses or does not answer. A missing bucket looks like a missing object here.
    pub async fn head_object(&self, key: &str) -> Result<Option<Head>> {
        const NAME: &str = "HeadObject";
        let read = |answer: Answer| {
            let length = answer.headers.get(CONTENT_LENGTH);
            let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
            let length = length
                .ok_or_else(|| Error::NotS3 { call: NAME, why: "it has no Content-Length".to_owned() })?;
            Ok(Head { length, etag: etag(NAME, &answer.headers)? })
        };
        match self.head_of(&Call::new(NAME, Method::HEAD, key), read).await {
            Err(error) if error.is_status(404) => Ok(None),
            head => head.map(Some),
        }
    }
}
