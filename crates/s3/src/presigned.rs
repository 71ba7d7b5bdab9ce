//! URLs with which others read an object without a key.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gangplank_sigv4::{Credentials, Request, presign_s3};

use crate::client::Client;
use crate::clock;
use crate::endpoint::{Endpoint, Style, Target};
use crate::error::{Error, Result};

/// A URL that is valid for a shorter time is of no use.
const SHORTEST: i64 = 60;

impl Client {
    /// A URL that reads an object for this time. If others reach the server by another address, `public` is
    /// that address, and the URL has it. The holder of the URL needs no key. `None` if the present credentials
    /// end too soon, because a URL ends with them. Nothing is sent.
    ///
    /// # Errors
    /// If there are no credentials.
    pub async fn presigned_get(
        &self,
        key: &str,
        lifetime: Duration,
        public: Option<&Endpoint>,
    ) -> Result<Option<String>> {
        let inner = self.inner();
        let keys = inner.credentials.get().await.map_err(Error::Credentials)?;
        let (here, ahead) = (clock::now(), inner.ahead.load(Ordering::Relaxed));
        let left = keys.expires.map_or(i64::MAX, |end| end - here);
        let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX).min(left);
        if seconds < SHORTEST {
            return Ok(None);
        }
        let Target { scheme, host, path } = self.public_target(public, key);
        let request =
            Request { method: "GET", path: &path, query: None, headers: vec![("host", host.as_bytes())] };
        let credentials = Credentials {
            access_key_id: &keys.access_key_id,
            secret_access_key: &keys.secret_access_key,
            session_token: keys.session_token.as_deref(),
        };
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        let query = presign_s3(&request, &credentials, &inner.region, here + ahead, seconds);
        Ok(Some(format!("{scheme}://{host}{path}?{query}")))
    }

    /// The host in such URLs, with its port if that is not the usual one.
    pub fn presigned_host(&self, public: Option<&Endpoint>) -> String {
        self.public_target(public, "").host
    }

    fn public_target(&self, public: Option<&Endpoint>, key: &str) -> Target {
        let (inner, style) = (self.inner(), self.style());
        let endpoint = public.unwrap_or(&inner.endpoint);
        let style = if endpoint.takes_bucket(&inner.bucket) { style } else { Style::Path };
        endpoint.target(style, &inner.bucket, key)
    }
}
