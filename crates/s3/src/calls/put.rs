//! `PutObject`.

use hyper::Method;

use crate::client::Client;
use crate::error::Result;
use crate::payload::{Guard, Payload};
use crate::request::Call;

impl Client {
    /// Puts an object, and replaces an older one. When this returns, the server has acknowledged it.
    ///
    /// # Errors
    /// If the server refuses or does not answer. The object may exist even then.
    pub async fn put_object(&self, key: &str, payload: Payload, guard: Guard) -> Result<()> {
        self.whole(&Call::new("PutObject", Method::PUT, key).payload(payload, guard)).await.map(drop)
    }
}
