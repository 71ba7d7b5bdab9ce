//! `DeleteObject`.

use hyper::Method;

use crate::client::Client;
use crate::error::Result;
use crate::request::Call;

impl Client {
    /// Deletes an object, if there is one.
    ///
    /// # Errors
    /// If the server refuses or does not answer.
    pub async fn delete_object(&self, key: &str) -> Result<()> {
        match self.acknowledged(&Call::new("DeleteObject", Method::DELETE, key), |_| Ok(())).await {
            Err(error) if error.is_code(&["NoSuchKey"]) => Ok(()),
            answer => answer,
        }
    }
}
