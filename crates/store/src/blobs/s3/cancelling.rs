//! Checks whether an upload can continue, and aborts it.

use super::Inner;
use super::failure::failed;
use super::state::State;
use crate::blobs::{Checkpoint, ContentKey};
use crate::{Result, StoreError};

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
        // If the upload was joined and the answer got lost, the upload is not over. The next request to finish it
        // will find that out.
        Ok(self.client.is_upload_open(&self.object(key), &upload.id).await.map_err(failed)?
            || self.client.head_object(&self.object(key)).await.map_err(failed)?.is_some())
    }

    /// Aborts the multipart uploads of content, and deletes the tails of its checkpoint.
    pub(super) async fn cancel(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<()> {
        let object = self.object(key);
        self.fed.forget(key);
        if let Some(upload) = State::upload_of(checkpoint) {
            self.abort(&object, &upload).await?;
        }
        // A process that was killed, or got no answer, may have begun an upload whose id is in no checkpoint.
        self.abort_others(&object, None).await?;
        self.delete(checkpoint.keys.iter()).await
    }

    /// Aborts the multipart upload of a checkpoint and deletes its tails, unless the row names them too. Parts
    /// beyond the row stay in an upload that the row names: they do not count.
    pub(super) async fn cancel_beyond(
        &self,
        key: &ContentKey,
        checkpoint: &Checkpoint,
        row: &Checkpoint,
    ) -> Result<()> {
        let upload = State::upload_of(checkpoint);
        if let Some(upload) = upload.filter(|upload| State::upload_of(row).as_ref() != Some(upload)) {
            self.abort(&self.object(key), &upload).await?;
        }
        self.delete(checkpoint.keys.iter().filter(|tail| !row.keys.contains(tail))).await
    }

    async fn delete(&self, tails: impl Iterator<Item = &ContentKey> + Send) -> Result<()> {
        for tail in tails {
            self.seen.forget(tail);
            self.client.delete_object(&self.object(tail)).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Aborts a multipart upload. Parts that are being sent may survive the first abort, so it is repeated.
    ///
    /// # Errors
    /// If the upload is still open after some aborts. The caller tries again later.
    pub(super) async fn abort(&self, object: &str, upload: &str) -> Result<()> {
        for _ in 0..TRIES {
            self.client.abort_multipart_upload(object, upload).await.map_err(failed)?;
            match self.client.is_upload_open(object, upload).await {
                Ok(false) => return Ok(()),
                Ok(true) => {}
                // Some servers cannot list parts. On these servers, the abort counts as done.
                Err(error) if error.is_status(501) => return Ok(()),
                Err(error) => return Err(failed(error)),
            }
        }
        Err(StoreError::unavailable(format!("parts of {object} still arrive after its upload was aborted")))
    }

    /// Aborts all multipart uploads of an object but one, if the server lists them.
    pub(super) async fn abort_others(&self, object: &str, kept: Option<&str>) -> Result<()> {
        if !self.abilities.lists_uploads {
            return Ok(());
        }
        let open = self.client.list_multipart_uploads(object, None).await.map_err(failed)?;
        let others = open.uploads.iter().filter(|open| open.key == object && Some(&open.id[..]) != kept);
        for other in others {
            self.abort(object, &other.id).await?;
        }
        Ok(())
    }
}
