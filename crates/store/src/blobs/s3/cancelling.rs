//! Checks whether an upload can go on, and aborts it.

use super::Inner;
use super::failure::failed;
use super::state::State;
use crate::Result;
use crate::blobs::{Checkpoint, ContentKey};

/// How often an upload is aborted, if parts arrive meanwhile.
const TRIES: u32 = 3;

impl Inner {
    /// Whether everything that a state counts exists.
    pub(super) async fn has_all(&self, key: &ContentKey, state: &State) -> Result<bool> {
        for tail in &state.tails {
            if self.seen.length(&tail.key) == Some(tail.length) {
                continue;
            }
            let head = self.client.head_object(&self.object(&tail.key)).await.map_err(failed)?;
            if head.is_none_or(|head| head.length != tail.length) {
                return Ok(false);
            }
        }
        let Some(upload) = &state.upload else { return Ok(true) };
        if self.fed.length(key).is_some() {
            return Ok(true);
        }
        // If the upload was joined and the answer got lost, it is not over. The next request to finish it will
        // find that out.
        Ok(self.client.is_upload_open(&self.object(key), &upload.id).await.map_err(failed)?
            || self.client.head_object(&self.object(key)).await.map_err(failed)?.is_some())
    }

    /// Aborts the multipart upload of a checkpoint, and deletes its tails.
    pub(super) async fn cancel(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<()> {
        if let Some(upload) = State::upload_of(checkpoint) {
            self.fed.forget(key);
            self.abort(&self.object(key), &upload).await?;
        }
        for tail in &checkpoint.keys {
            self.seen.forget(tail);
            self.client.delete_object(&self.object(tail)).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Aborts a multipart upload. Parts that are being sent may survive the first abort, so it is repeated.
    pub(super) async fn abort(&self, object: &str, upload: &str) -> Result<()> {
        for _ in 0..TRIES {
            self.client.abort_multipart_upload(object, upload).await.map_err(failed)?;
            // If the server does not answer this, the abort counts as done.
            if !self.client.is_upload_open(object, upload).await.unwrap_or(false) {
                break;
            }
        }
        Ok(())
    }
}
