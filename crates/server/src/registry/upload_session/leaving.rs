//! How a request leaves its session: it ends the session, keeps it for a later request, or finds that another
//! writer has it.

use std::sync::atomic::Ordering::Relaxed;

use gangplank_oci::OciError;
use gangplank_store::blobs::Checkpoint;
use gangplank_store::metadata::uploads::Leaves;

use super::super::Result;
use super::super::refusal::Refusal;
use super::{Session, cancel, taken};

/// The writer that has a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// This request has it.
    Mine,
    /// Another writer has it, or may have it.
    Theirs,
    /// The session has ended.
    Nobodys,
}

impl Session<'_> {
    /// Ends the session at the client's request.
    ///
    /// # Errors
    /// If the session could not be ended, or if another request has claimed it.
    pub(in crate::registry) async fn cancel(self) -> Result<()> {
        if self.end().await? {
            return Ok(());
        }
        Err(if self.has_ended().await { OciError::blob_upload_unknown().into() } else { taken() })
    }

    /// Ends the session. A failure is only logged.
    pub(in crate::registry) async fn give_up(&self) {
        if let Err(error) = self.end().await {
            // The session ends by itself once it has been idle long enough.
            tracing::warn!(%error, "cannot end an upload session");
        }
    }

    /// Ends the session; `false` if it had ended, or another request has claimed it.
    async fn end(&self) -> gangplank_store::Result<bool> {
        if self.claim.is_lost() {
            return Ok(false);
        }
        let app = self.context.app;
        // The row decides whether the session still belongs to this writer. With a local disk it always does. In that
        // case the bytes are removed first: that needs no space on a full disk, and a session without bytes is over.
        let is_row_first = app.blobs.keeps_checkpoints();
        let leaves =
            if !is_row_first && self.cancel_staged().await { Leaves::Nothing } else { Leaves::Bytes };
        if !app.metadata.close_upload(&self.owner(), &self.row.id, self.epoch(), leaves).await? {
            return Ok(false);
        }
        if is_row_first {
            self.cancel_staged().await;
        }
        if leaves == Leaves::Bytes {
            // Some bytes may still arrive, or may have been published by a call whose answer was lost.
            app.discarded.notify_one();
        }
        Ok(true)
    }

    /// Deletes the staged bytes. Returns whether nothing is left.
    async fn cancel_staged(&self) -> bool {
        let may_be_published = self.may_be_published.load(Relaxed);
        let mut staged = self.checkpoint();
        if may_be_published {
            // One of these contents may have become a blob. If none has, they are removed with the row.
            staged.keys.clear();
        }
        cancel(self.context, &self.key, &staged).await && !may_be_published
    }

    /// Ends the session after a refusal. If the cause may pass by itself, and the blob store keeps checkpoints,
    /// the session continues from its last checkpoint. If the session had already ended, or another request has
    /// it, the client is told that instead.
    pub(in crate::registry) async fn give_up_for(&self, refusal: Refusal) -> Refusal {
        if refusal.is_temporary() && self.context.app.blobs.keeps_checkpoints() {
            return match self.whose().await {
                Whose::Mine => refusal.at(self.standing(self.received())),
                Whose::Theirs => taken(),
                Whose::Nobodys => OciError::blob_upload_unknown().into(),
            };
        }
        self.end_for(refusal).await
    }

    /// Ends the session after a refusal, whatever its cause.
    pub(in crate::registry) async fn end_for(&self, refusal: Refusal) -> Refusal {
        let whose = self.whose().await;
        if whose == Whose::Theirs {
            return taken();
        }
        self.give_up().await;
        // If the session had ended before, its bytes were removed during this request.
        if whose == Whose::Nobodys { OciError::blob_upload_unknown().into() } else { refusal }
    }

    /// Finds out who has the session, as far as possible.
    async fn whose(&self) -> Whose {
        if self.claim.is_lost() {
            return Whose::Theirs;
        }
        match self.context.app.metadata.upload(&self.owner(), &self.row.id).await {
            Ok(None) => Whose::Nobodys,
            Ok(Some(row)) if row.epoch > self.epoch() => Whose::Theirs,
            Ok(Some(_)) | Err(_) => Whose::Mine,
        }
    }

    /// Removes the bytes of this writer that no row names, after a step that changed nothing. `to` names the
    /// bytes, and `from` is the checkpoint of the last recorded step. Returns the refusal.
    pub(in crate::registry) async fn displaced(&self, from: &Checkpoint, to: &Checkpoint) -> Refusal {
        let (app, key) = (self.context.app, &self.key);
        let row = match app.metadata.upload(&self.owner(), &self.row.id).await {
            Ok(row) => row,
            Err(error) => return error.into(),
        };
        let (refusal, cancelled) = match row {
            Some(row) => (taken(), app.blobs.cancel_beyond(key, to, &row.checkpoint).await),
            // The session's earlier bytes were removed with its row, or became a blob.
            None => {
                let fresh = to.keys.iter().filter(|key| !from.keys.contains(key)).cloned().collect();
                let cancelled = match app.metadata.unknown_content(fresh).await {
                    Ok(keys) => app.blobs.cancel(key, &Checkpoint { keys, ..to.clone() }).await,
                    Err(error) => Err(error),
                };
                (OciError::blob_upload_unknown().into(), cancelled)
            }
        };
        if let Err(error) = cancelled {
            tracing::warn!(%error, "cannot discard the bytes of a writer whose session is another's");
        }
        refusal
    }
}
