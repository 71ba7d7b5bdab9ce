//! Looking whether an upload can go on, and giving it up.

use super::Inner;
use super::failure::failed;
use super::state::State;
use crate::Result;
use crate::blobs::{Checkpoint, ContentKey};

/// How often an upload is given up whose parts come in while it is.
const TRIES: u32 = 3;

impl Inner {
    /// Whether all is there that a state counts.
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
        // One that was joined, and whose answer was lost, is not over: its end is found out when it is asked for again.
        Ok(self.client.is_upload_open(&self.object(key), &upload.id).await.map_err(failed)?
            || self.client.head_object(&self.object(key)).await.map_err(failed)?.is_some())
    }

    /// Gives up the multipart upload of a checkpoint, and removes its tails.
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

    /// Parts that were on their way may survive the first time.
    pub(super) async fn abort(&self, object: &str, upload: &str) -> Result<()> {
        for _ in 0..TRIES {
            self.client.abort_multipart_upload(object, upload).await.map_err(failed)?;
            // A server that does not say is believed.
            if !self.client.is_upload_open(object, upload).await.unwrap_or(false) {
                break;
            }
        }
        Ok(())
    }
}
