//! Writes content into a bucket.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use gangplank_oci::Hasher;
use gangplank_s3::Part;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Inner;
use super::part::Begun;
use super::piece::Piece;
use super::state::{State, Tail, Upload};
use super::tails;
use crate::blobs::{BlobWriter, Checkpoint, ContentKey};
use crate::{Result, StoreError};

/// How many parts of one upload are sent at once.
const AT_ONCE: usize = 4;

/// A writer of content. [`S3`](super::S3) says how content is stored.
pub(super) struct S3Writer {
    store: Arc<Inner>,
    key: ContentKey,
    hasher: Hasher,
    /// The part of the content that counts, without the parts under way.
    state: State,
    /// The multipart upload. The first part begins it.
    upload: Arc<Begun>,
    under_way: VecDeque<UnderWay>,
    /// The bytes after the parts under way: tails first, new bytes last.
    tails: Vec<Tail>,
    fresh: Piece,
    progress: Option<Checkpoint>,
    /// Whether a checkpoint with the multipart upload was given out.
    is_told: bool,
}

/// A part that is being sent. Dropping it aborts the request.
struct UnderWay {
    sent: JoinHandle<Result<Part>>,
    /// Resolves when the part has its turn to be sent.
    turn: Option<oneshot::Receiver<()>>,
    /// The number of bytes up to the end of this part, and their hash.
    received: u64,
    hash_state: Vec<u8>,
}

impl UnderWay {
    /// Waits until the part is being sent.
    async fn begun(&mut self) {
        if let Some(turn) = &mut self.turn {
            // If the task has ended, its result says why.
            let _ = turn.await;
            self.turn = None;
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.sent.abort();
    }
}

impl S3Writer {
    pub(super) fn new(store: Arc<Inner>, key: ContentKey, hasher: Hasher, mut state: State) -> Self {
        let is_told = state.upload.is_some();
        let upload = Arc::new(Begun::new_with(state.upload.clone().map(Ok)));
        let tails = std::mem::take(&mut state.tails);
        let fresh = Piece::new(&store.scratch);
        let under_way = VecDeque::new();
        Self { store, key, hasher, state, upload, under_way, tails, fresh, progress: None, is_told }
    }

    /// The multipart upload, if it was begun.
    fn begun(&self) -> Option<Upload> {
        self.upload.get()?.as_ref().ok().cloned()
    }

    /// How many bytes are in no part.
    fn rest(&self) -> u64 {
        self.tails.iter().map(|tail| tail.length).sum::<u64>() + self.fresh.length()
    }

    fn has_parts(&self) -> bool {
        !self.state.parts.is_empty() || !self.under_way.is_empty()
    }

    /// Begins to send the bytes that are in no part as one part.
    fn send(&mut self) {
        let number = 1 + (self.state.parts.len() + self.under_way.len()) as u64;
        let fresh = std::mem::replace(&mut self.fresh, Piece::new(&self.store.scratch));
        let tails = std::mem::take(&mut self.tails);
        let (store, key, upload) = (Arc::clone(&self.store), self.key.clone(), Arc::clone(&self.upload));
        let (has_turn, turn) = oneshot::channel();
        let sent = self.store.runtime.spawn(store.send_part(key, upload, number, tails, fresh, has_turn));
        let (received, hash_state) = (self.hasher.hashed(), self.hasher.state().unwrap_or_default());
        self.under_way.push_back(UnderWay { sent, turn: Some(turn), received, hash_state });
    }

    /// Waits for the oldest part under way. From then on it counts.
    async fn settle(&mut self) -> Result<()> {
        let Some(first) = self.under_way.front_mut() else { return Ok(()) };
        // If the caller stops waiting here, the part is still sent.
        let sent = (&mut first.sent).await;
        let Some(mut first) = self.under_way.pop_front() else { return Ok(()) };
        let part = sent.unwrap_or_else(|error| Err(StoreError::unavailable(error.to_string())))?;
        self.state.upload = self.begun();
        self.state.parts.push(part);
        self.store.fed.note(&self.key, first.received);
        self.progress = Some(self.state.checkpoint(first.received, std::mem::take(&mut first.hash_state)));
        Ok(())
    }

    async fn settle_all(&mut self) -> Result<()> {
        while !self.under_way.is_empty() {
            self.settle().await?;
        }
        Ok(())
    }

    /// Uploads the new bytes as a tail, joined with earlier tails if those are short.
    async fn keep_tail(&mut self) -> Result<()> {
        let kept = self.tails.len() - tails::joined(&self.tails, self.fresh.length());
        let is_whole = kept == 0 && !self.has_parts();
        let joined = self.tails.split_off(kept);
        let fresh = std::mem::replace(&mut self.fresh, Piece::new(&self.store.scratch));
        let piece = self.store.together(&joined, fresh).await?;
        let tail = Tail { key: ContentKey::unused(), length: piece.length(), crc: piece.crc() };
        self.store.put(&tail.key, piece, is_whole.then(|| self.hasher.clone())).await?;
        self.store.seen.note(&tail.key, tail.length);
        self.tails.push(tail);
        Ok(())
    }

    fn checkpoint(&self) -> Checkpoint {
        let state = State { tails: self.tails.clone(), ..self.state.clone() };
        state.checkpoint(self.hasher.hashed(), self.hasher.state().unwrap_or_default())
    }
}

#[async_trait]
impl BlobWriter for S3Writer {
    fn blocks(&self) -> bool {
        true
    }

    fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    async fn ready(&mut self) -> Result<()> {
        while self.under_way.len() >= AT_ONCE
            || self.under_way.front().is_some_and(|first| first.sent.is_finished())
        {
            self.settle().await?;
        }
        // At most one full part of an upload waits for its turn, in a file. So all files together have a bound.
        if let Some(last) = self.under_way.back_mut() {
            last.begun().await;
        }
        Ok(())
    }

    fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let room = self.state.part.saturating_sub(self.rest());
            if room == 0 {
                // More bytes follow, so the last part is never empty.
                self.send();
                continue;
            }
            let count = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
            let (piece, more) = bytes.split_at(count);
            self.fresh.append(piece)?;
            self.hasher.update(piece);
            bytes = more;
        }
        Ok(())
    }

    fn progress(&mut self) -> Option<Checkpoint> {
        let progress = self.progress.take();
        self.is_told |= progress.is_some();
        progress
    }

    async fn suspend(mut self: Box<Self>) -> Result<Checkpoint> {
        if self.fresh.length() > 0 && self.rest() == self.state.part && self.has_parts() {
            // These bytes fill a part, whether more bytes follow or not.
            self.send();
        }
        self.settle_all().await?;
        if self.fresh.length() > 0 {
            self.keep_tail().await?;
        }
        self.is_told = true;
        Ok(self.checkpoint())
    }

    async fn commit(mut self: Box<Self>) -> Result<ContentKey> {
        if !self.has_parts() {
            if let ([tail], 0) = (self.tails.as_slice(), self.fresh.length()) {
                return Ok(tail.key.clone());
            }
            let tails = std::mem::take(&mut self.tails);
            let fresh = std::mem::replace(&mut self.fresh, Piece::new(&self.store.scratch));
            let piece = self.store.together(&tails, fresh).await?;
            self.store.put_whole(&self.key, piece, self.hasher.clone()).await?;
            self.store.seen.note(&self.key, self.hasher.hashed());
            return Ok(self.key.clone());
        }
        if self.rest() > 0 {
            self.send();
        }
        self.settle_all().await?;
        let upload = self.state.upload.clone();
        let upload =
            upload.ok_or_else(|| StoreError::damaged(format!("{} has parts of no upload", self.key)))?;
        let joined = self.store.join(&self.key, &upload, &self.state.parts).await;
        self.store.fed.forget(&self.key);
        joined?;
        self.is_told = true;
        Ok(self.key.clone())
    }
}

impl Drop for S3Writer {
    /// Aborts a multipart upload that no checkpoint names. Otherwise it would stay until a sweep.
    fn drop(&mut self) {
        self.under_way.clear();
        if self.is_told {
            return;
        }
        if let Some(upload) = self.begun() {
            let (store, object) = (Arc::clone(&self.store), self.store.object(&self.key));
            self.store.runtime.spawn(async move {
                if let Err(error) = store.abort(&object, &upload.id).await {
                    tracing::debug!(%error, object, "an upload stays until it is swept");
                }
            });
        }
    }
}
