//! `HeadObject`.

use hyper::header::{CONTENT_LENGTH, RANGE};
use hyper::{HeaderMap, Method};

use crate::calls::etag;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::request::Call;

const NAME: &str = "HeadObject";

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
    /// If the server refuses or does not answer, or if the bucket is missing.
    pub async fn head_object(&self, key: &str) -> Result<Option<Head>> {
        for _ in 0..2 {
            let found =
                match self.head_of(&Call::new(NAME, Method::HEAD, key), |answer| head(&answer.headers)).await
                {
                    Err(error) if error.is_status(404) => None,
                    found => Some(found?),
                };
            if found.is_some() {
                return Ok(found);
            }
            // This answer has no body, so it does not show whether more than the object is missing.
            if self.is_missing(key).await? {
                return Ok(None);
            }
        }
        Err(Error::NotS3 { call: NAME, why: "GetObject finds the object".to_owned() })
    }

    /// Whether the server says that the object is missing, and not the whole bucket. `false` if the object
    /// exists.
    async fn is_missing(&self, key: &str) -> Result<bool> {
        let get = Call::new("GetObject", Method::GET, key).header(RANGE.as_str(), "bytes=0-0");
        match self.head_of(&get, |_| Ok(())).await {
            Err(error) if error.is_code(&["NoSuchKey"]) => Ok(true),
            // An empty object has no first byte.
            Err(error) if error.is_status(416) => Ok(false),
            answer => answer.map(|()| false),
        }
    }
}

fn head(headers: &HeaderMap) -> Result<Head> {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let length =
        length.ok_or_else(|| Error::NotS3 { call: NAME, why: "it has no Content-Length".to_owned() })?;
    Ok(Head { length, etag: etag(NAME, headers)? })
}
