//! `PutObject`.

use hyper::Method;

use crate::client::Client;
use crate::error::Result;
use crate::payload::{Guard, Payload};
use crate::request::Call;

impl Client {
    /// Puts an object, or another in its place. When this returns the server has said that it keeps it.
    ///
    /// # Errors
    /// If the server refuses, or does not answer: then the object may be there all the same.
    pub async fn put_object(&self, key: &str, payload: Payload, guard: Guard) -> Result<()> {
        self.whole(&Call::new("PutObject", Method::PUT, key).payload(payload, guard)).await.map(drop)
    }
}
