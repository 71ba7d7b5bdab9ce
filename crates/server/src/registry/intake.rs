//! Passes bytes from a socket to the blob store, which hashes them.
//!
//! Bytes are gathered first, so that a slow client costs memory and no thread. Once there are enough, and the
//! store writes to a local disk, the connection moves to its own thread. There each piece is written and hashed
//! as soon as it is read.

use bytes::Bytes;
use gangplank_store::blobs::{BlobWriter, Checkpoint};
use gangplank_store::{Result, StoreError};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::gathered::{BATCH, Gathered, Gathering};
use crate::http::own_thread::OwnThread;

/// Smaller pieces are gathered on an own thread, too, because each write is a system call with a fixed cost.
const SMALL: usize = (32 << 10) + 1;

/// How many bytes an own thread gathers before it writes them. They should still be in the processor's cache then.
const BATCH_HERE: usize = 128 << 10;

/// The most bytes that are hashed in the runtime, which takes about as long as a change of threads.
const MOST_HELD: usize = 64 << 10;

/// Writes one body to the blob store.
pub(super) struct Intake {
    /// `None` after a failed write.
    writer: Option<Box<dyn BlobWriter>>,
    /// Whether the writer must run on a thread that may block.
    blocks: bool,
    /// Whether anything has been written.
    has_begun: bool,
    gathered: Gathered,
    thread: OwnThread,
    /// Cancelled if the upload has ended, or another process has claimed it.
    ended: CancellationToken,
}

/// Whether a body of this many bytes is too large to be gathered whole in memory.
pub(super) fn is_large(bytes: u64) -> bool {
    bytes >= BATCH as u64
}

impl Intake {
    /// Continues the content of `writer`, until `ended` is cancelled.
    pub(super) fn open(
        writer: Box<dyn BlobWriter>,
        gathering: &Gathering,
        thread: &OwnThread,
        ended: CancellationToken,
    ) -> Self {
        let (blocks, gathered) = (writer.blocks(), Gathered::new(gathering));
        Self { writer: Some(writer), blocks, has_begun: false, gathered, thread: thread.clone(), ended }
    }

    /// Prepares for a large body. The connection moves to its own thread at once, if the writer blocks.
    pub(super) async fn expect_much(&mut self) {
        if self.blocks {
            self.thread.enter().await;
        }
    }

    /// Whether this piece, with all gathered bytes before it, is written to the store now.
    pub(super) fn writes_with(&mut self, piece: &[u8]) -> bool {
        let goes_on = if self.blocks { self.thread.is_here() } else { self.has_begun };
        let batch = if goes_on { BATCH_HERE } else { BATCH };
        goes_on && piece.len() >= SMALL
            || self.gathered.len() + piece.len() >= batch
            || !self.gathered.reserve(piece.len())
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// If writing this piece or an earlier one failed.
    pub(super) async fn push(&mut self, piece: Bytes) -> Result<()> {
        if !self.writes_with(&piece) {
            self.gathered.add(&piece);
            return Ok(());
        }
        if self.thread.is_here() && !self.gathered.is_empty() {
            // This branch keeps the buffer for the next pieces.
            let writer = self.ready().await?;
            self.writer = Some(here(writer, &self.gathered.bytes())?);
            self.thread.carried(self.gathered.len());
            self.gathered.clear();
        } else if !self.gathered.is_empty() {
            let gathered = self.gathered.take();
            self.write(gathered).await?;
        }
        self.write(piece).await
    }

    /// The checkpoint from which another process could continue, if it has moved since the last call.
    pub(super) fn progress(&mut self) -> Option<Checkpoint> {
        self.writer.as_mut()?.progress()
    }

    /// Writes all that is gathered, and returns the writer.
    ///
    /// # Errors
    /// If this or an earlier write failed.
    pub(super) async fn finish(mut self) -> Result<Box<dyn BlobWriter>> {
        self.thread.leave();
        if !self.gathered.is_empty() {
            let gathered = self.gathered.take();
            let writer = self.ready().await?;
            self.writer =
                Some(if self.blocks { elsewhere(writer, gathered).await? } else { here(writer, &gathered)? });
        }
        self.writer.take().ok_or_else(failed)
    }

    /// Gives all that is gathered to the writer, which may keep it until it commits. Then a small body changes threads
    /// once.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub(super) async fn finish_to_commit(mut self) -> Result<Box<dyn BlobWriter>> {
        if self.gathered.len() > MOST_HELD {
            return self.finish().await;
        }
        let mut writer = self.ready().await?;
        writer.hold(Box::new(self.gathered.take()))?;
        Ok(writer)
    }

    /// Writes on this thread, if it may block or the writer does not block. Otherwise writes on a thread that
    /// may block, and the connection stays on its thread.
    async fn write(&mut self, bytes: impl AsRef<[u8]> + Send + 'static) -> Result<()> {
        let writer = self.ready().await?;
        let length = bytes.as_ref().len();
        self.writer = Some(if !self.blocks || self.thread.is_here() || self.thread.enter().await {
            here(writer, &bytes)?
        } else {
            elsewhere(writer, bytes).await?
        });
        self.thread.carried(length);
        Ok(())
    }

    /// Takes out the writer once it can take more. The caller puts it back after the write.
    async fn ready(&mut self) -> Result<Box<dyn BlobWriter>> {
        let mut writer = self.writer.take().ok_or_else(failed)?;
        self.has_begun = true;
        // When the writer is dropped, its requests to the store end.
        tokio::select! {
            biased;
            ready = writer.ready() => ready?,
            () = self.ended.cancelled() => return Err(StoreError::unavailable("the upload has ended")),
        }
        Ok(writer)
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        // An abandoned body must not leave its connection on the own thread.
        self.thread.leave();
    }
}

fn here(mut writer: Box<dyn BlobWriter>, bytes: &impl AsRef<[u8]>) -> Result<Box<dyn BlobWriter>> {
    writer.write(bytes.as_ref())?;
    Ok(writer)
}

async fn elsewhere(
    writer: Box<dyn BlobWriter>,
    bytes: impl AsRef<[u8]> + Send + 'static,
) -> Result<Box<dyn BlobWriter>> {
    let written = spawn_blocking(move || here(writer, &bytes)).await;
    written.unwrap_or_else(|error| Err(StoreError::unavailable(error)))
}

fn failed() -> StoreError {
    StoreError::unavailable("an earlier piece could not be written")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use gangplank_oci::{Algorithm, Digest};
    use gangplank_store::blobs::{BlobStore, ContentKey, Folder, Memory};

    use super::*;
    use crate::http::own_thread::Threads;

    /// Bytes that go in, in pieces of this size, come out unchanged. Either the connection has its own thread,
    /// or it has already ended and has none. Content of odd length is committed next.
    async fn pass(blobs: &Arc<dyn BlobStore>, piece: usize, length: usize, with_thread: bool) {
        let (key, thread) = (ContentKey::unused(), OwnThread::new(Threads::default()));
        let bytes: Vec<u8> = (0..length).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect();
        let writer = blobs.writer(&key, &Checkpoint::beginning(Algorithm::Sha256)).unwrap();
        let mut intake = Intake::open(writer, &Gathering::default(), &thread, CancellationToken::new());
        let content = bytes.clone();
        let taking = async move {
            if is_large(content.len() as u64) {
                intake.expect_much().await;
            }
            for piece in content.chunks(piece) {
                intake.push(Bytes::copy_from_slice(piece)).await.unwrap();
                assert!(intake.gathered.len() < BATCH);
            }
            let done = if length.is_multiple_of(2) {
                intake.finish().await
            } else {
                intake.finish_to_commit().await
            };
            done.unwrap()
        };
        let writer = if with_thread {
            thread.run(Box::pin(taking)).await.unwrap()
        } else {
            thread.run(Box::pin(async {})).await.unwrap();
            taking.await
        };
        assert_eq!(writer.hasher().clone().finish(), Digest::of(Algorithm::Sha256, &bytes));
        let key = writer.commit().await.unwrap();
        let reading = blobs.read(&key, 0..length as u64).await.unwrap().unwrap();
        let read = crate::hashing::hash(reading.bytes, Algorithm::Sha256, None).await.unwrap().unwrap();
        assert_eq!(read.finish(), Digest::of(Algorithm::Sha256, &bytes));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_goes_in_comes_out() {
        let home = tempfile::tempdir().unwrap();
        let folder: Arc<dyn BlobStore> = Arc::new(Folder::open(&home.path().join("blobs")).unwrap());
        for blobs in [folder, Arc::new(Memory::with_parts(1 << 20))] {
            for (piece, length) in [
                (1, 0),
                (1, 5),
                (3, 1_000),
                (3, 1_001),
                (1 << 10, (200 << 10) + 1),
                (1 << 10, 300 << 10),
                (64 << 10, 20 << 20),
                (1 << 20, 8 << 20),
            ] {
                pass(&blobs, piece, length, true).await;
                pass(&blobs, piece, length, false).await;
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_failure_is_told_again_and_again() {
        let home = tempfile::tempdir().unwrap();
        let blobs = Folder::open(&home.path().join("blobs")).unwrap();
        let mut hasher = gangplank_oci::Hasher::new(Algorithm::Sha256);
        hasher.update(b"of which nothing is staged");
        let from = Checkpoint {
            received: hasher.hashed(),
            hash_state: hasher.state().unwrap(),
            ..Checkpoint::beginning(Algorithm::Sha256)
        };
        let writer =
            gangplank_store::blobs::BlobIngester::writer(&blobs, &ContentKey::unused(), &from).unwrap();
        let thread = OwnThread::new(Threads::default());
        let mut intake = Intake::open(writer, &Gathering::default(), &thread, CancellationToken::new());
        let feeding = async move {
            let fed = loop {
                if let Err(error) = intake.push(Bytes::from(vec![0; 64 << 10])).await {
                    break error;
                }
            };
            (fed, intake.finish().await.err())
        };
        let fed = tokio::time::timeout(Duration::from_secs(10), thread.run(Box::pin(feeding))).await.unwrap();
        let Some((StoreError::Damaged(_), Some(StoreError::Unavailable(_)))) = fed else { panic!("{fed:?}") };
    }
}
