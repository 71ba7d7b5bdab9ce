//! Reads content.

use std::io;
use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use gangplank_s3::{Endpoint, Object};

use super::S3;
use super::failure::failed;
use crate::blobs::{BlobProvider, ContentKey, Read, Reading};
use crate::{Result, StoreError};

#[async_trait]
impl BlobProvider for S3 {
    async fn read(&self, key: &ContentKey, range: Range<u64>) -> Result<Option<Reading>> {
        let inner = &self.0;
        let object = inner.object(key);
        let known = inner.seen.length(key);
        if range.is_empty() || known.is_some_and(|length| range.start >= length) {
            return inner.nothing_of(&object).await;
        }
        // A read of everything sends no range: an empty object has no valid range.
        let is_all =
            range.start == 0 && (range.end == u64::MAX || known.is_some_and(|length| range.end >= length));
        let wanted = (!is_all).then(|| range.start..range.end.min(i64::MAX.unsigned_abs()));
        let opened = match inner.client.get_object(&object, wanted).await {
            Err(error) if error.is_status(416) => return inner.nothing_of(&object).await,
            opened => opened.map_err(failed)?,
        };
        if opened.is_none() {
            inner.seen.forget(key);
        }
        Ok(opened.map(|Object { length, content }| {
            inner.seen.note(key, length);
            let bytes = content.into_stream().map(|piece| piece.map_err(io::Error::other));
            Reading { size: length, bytes: Read::Stream(Box::pin(bytes)) }
        }))
    }

    async fn redirect(
        &self,
        key: &ContentKey,
        lifetime: Duration,
        public: Option<&str>,
    ) -> Result<Option<String>> {
        let public = public.map(Endpoint::parse).transpose();
        let public = public.map_err(|error| StoreError::unusable(error.to_string()))?;
        let (inner, object) = (&self.0, self.0.object(key));
        inner.client.presigned_get(&object, lifetime, public.as_ref()).await.map_err(failed)
    }
}

impl super::Inner {
    /// The answer to a range beyond the end.
    async fn nothing_of(&self, object: &str) -> Result<Option<Reading>> {
        let head = self.client.head_object(object).await.map_err(failed)?;
        Ok(head.map(|head| Reading { size: head.length, bytes: Read::Stream(Box::pin(stream::empty())) }))
    }
}
