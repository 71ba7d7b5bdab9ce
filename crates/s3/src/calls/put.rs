//! `PutObject`.

use hyper::Method;
use hyper::header::IF_NONE_MATCH;

use crate::calls::etag;
use crate::client::Client;
use crate::error::Result;
use crate::payload::{Guard, Payload};
use crate::request::Call;

const NAME: &str = "PutObject";

impl Client {
    /// Puts an object, and replaces an older one. When this returns, the server has acknowledged it.
    ///
    /// # Errors
    /// If the server refuses or does not answer. The object may exist even then.
    pub async fn put_object(&self, key: &str, payload: Payload, guard: Guard) -> Result<()> {
        let call = Call::new(NAME, Method::PUT, key).payload(payload, guard);
        self.acknowledged(&call, |headers| etag(NAME, headers).map(drop)).await
    }

    /// Puts an object if its key has none yet. Returns whether the object was put. If not, the key has another
    /// object, or somebody is just putting one. Some servers ignore the condition, and after a lost answer
    /// nobody knows whether the object was put. So look at the object afterwards.
    ///
    /// # Errors
    /// As for [`put_object`](Self::put_object), and also if the server does not know the condition.
    pub async fn put_new_object(&self, key: &str, payload: Payload, guard: Guard) -> Result<bool> {
        let call = Call::new(NAME, Method::PUT, key).header(IF_NONE_MATCH.as_str(), "*");
        let call = call.payload(payload, guard);
        match self.acknowledged(&call, |headers| etag(NAME, headers).map(drop)).await {
            Ok(()) => Ok(true),
            Err(error) if error.is_status(412) || error.is_status(409) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
