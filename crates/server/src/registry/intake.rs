//! Bytes on their way from a socket to a hash and a file.
//!
//! What comes is gathered, so that a slow client costs memory and no thread. When enough has come together,
//! the connection moves to a thread of its own, where each piece is written and hashed as soon as it is read.

use std::sync::Arc;

use bytes::Bytes;
use gangplank_oci::Hasher;
use gangplank_store::blobs::{BlobStore, ContentKey, Staged};
use gangplank_store::{Result, StoreError};

use super::gathered::{BATCH, Gathered, Gathering};
use crate::app::blocking;
use crate::http::own_thread::OwnThread;

/// Pieces smaller than this are gathered on the thread too: each costs a call, whatever its size.
const SMALL: usize = 16 << 10;

/// The way in.
pub(super) struct Intake {
    blobs: Arc<dyn BlobStore>,
    /// `None` once something could not be written.
    sink: Option<Sink>,
    gathered: Gathered,
    thread: OwnThread,
}

/// Where bytes go.
struct Sink {
    key: ContentKey,
    /// Has seen all that is staged.
    hasher: Hasher,
    /// `None` until something is written.
    staged: Option<Box<dyn Staged>>,
}

/// Whether so many bytes are too many for waiting until they have come together: for them the connection goes to a
/// thread of its own at once.
pub(super) fn is_large(bytes: u64) -> bool {
    bytes >= BATCH as u64
}

impl Intake {
    /// Goes on with what is staged under `key`, all of which `hasher` has seen.
    pub(super) fn open(
        blobs: &Arc<dyn BlobStore>,
        key: &ContentKey,
        hasher: Hasher,
        gathering: &Gathering,
        thread: &OwnThread,
    ) -> Self {
        let sink = Some(Sink { key: key.clone(), hasher, staged: None });
        let gathered = Gathered::new(gathering);
        Self { blobs: Arc::clone(blobs), sink, gathered, thread: thread.clone() }
    }

    /// Whether a piece will not wait in memory but go on to the file, with all before it.
    pub(super) fn writes_with(&mut self, piece: &[u8]) -> bool {
        self.is_written_here(piece)
            || self.gathered.len() + piece.len() >= BATCH
            || !self.gathered.reserve(piece.len())
    }

    fn is_written_here(&self, piece: &[u8]) -> bool {
        piece.len() >= SMALL && self.thread.is_here()
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// What staging or writing it, or an earlier one, failed with.
    pub(super) async fn push(&mut self, piece: Bytes) -> Result<()> {
        if !self.writes_with(&piece) {
            self.gathered.add(&piece);
            return Ok(());
        }
        if self.is_written_here(&piece) || self.thread.enter().await {
            self.write_gathered()?;
            return self.write(&piece);
        }
        if !self.gathered.is_empty() {
            let gathered = self.gathered.take();
            self.write_elsewhere(gathered).await?;
        }
        self.write_elsewhere(piece).await
    }

    /// Waits until everything is staged. If nothing came, nothing was opened.
    pub(super) async fn finish(mut self) -> Result<(Option<Box<dyn Staged>>, Hasher)> {
        self.thread.leave();
        if !self.gathered.is_empty() {
            let gathered = self.gathered.take();
            self.write_elsewhere(gathered).await?;
        }
        let Sink { staged, hasher, .. } = self.sink.take().ok_or_else(failed)?;
        Ok((staged, hasher))
    }

    /// Writes on this thread, which may block.
    fn write(&mut self, piece: &[u8]) -> Result<()> {
        let mut sink = self.sink.take().ok_or_else(failed)?;
        sink.take(self.blobs.as_ref(), piece)?;
        self.sink = Some(sink);
        self.thread.carried(piece.len());
        Ok(())
    }

    /// The same with what was gathered, if anything was.
    fn write_gathered(&mut self) -> Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let gathered = self.gathered.take();
        self.write(gathered.as_ref())
    }

    /// Writes on a thread that may block, while the connection stays where it is.
    async fn write_elsewhere(&mut self, bytes: impl AsRef<[u8]> + Send + 'static) -> Result<()> {
        let mut sink = self.sink.take().ok_or_else(failed)?;
        let written =
            blocking(&self.blobs, move |blobs| sink.take(blobs, bytes.as_ref()).map(|()| sink)).await?;
        self.sink = Some(written);
        Ok(())
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        // A body that is given up must not leave its connection there.
        self.thread.leave();
    }
}

impl Sink {
    fn take(&mut self, blobs: &dyn BlobStore, piece: &[u8]) -> Result<()> {
        let staged = match &mut self.staged {
            Some(staged) => staged,
            none => none.insert(blobs.stage(&self.key, self.hasher.hashed())?),
        };
        staged.write(piece)?;
        self.hasher.update(piece);
        Ok(())
    }
}

fn failed() -> StoreError {
    StoreError::unavailable("an earlier piece could not be written".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gangplank_oci::{Algorithm, Digest};
    use gangplank_store::blobs::Folder;

    use super::*;
    use crate::http::own_thread::Threads;

    /// What goes in in pieces of this size, so many bytes in all, comes out as it was; with a thread, or
    /// without one because the connection is over.
    async fn pass(piece: usize, length: usize, with_thread: bool) {
        let home = tempfile::tempdir().unwrap();
        let blobs: Arc<dyn BlobStore> = Arc::new(Folder::open(&home.path().join("blobs")).unwrap());
        let (key, thread) = (ContentKey::unused(), OwnThread::new(Threads::default()));
        let bytes: Vec<u8> = (0..length).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect();
        let mut intake =
            Intake::open(&blobs, &key, Hasher::new(Algorithm::Sha256), &Gathering::default(), &thread);
        let content = bytes.clone();
        let taking = async move {
            if is_large(content.len() as u64) {
                intake.thread.enter().await;
            }
            for piece in content.chunks(piece) {
                intake.push(Bytes::copy_from_slice(piece)).await.unwrap();
                assert!(intake.gathered.len() < BATCH);
            }
            intake.finish().await.unwrap()
        };
        let (staged, hasher) = if with_thread {
            thread.run(taking).await.unwrap()
        } else {
            thread.run(async {}).await.unwrap();
            taking.await
        };
        assert_eq!(hasher.finish(), Digest::of(Algorithm::Sha256, &bytes));
        assert_eq!(staged.is_some(), length > 0);
        staged.unwrap_or_else(|| blobs.stage(&key, 0).unwrap()).publish().unwrap();
        let path = home.path().join("blobs/content").join(&key.as_str()[30..]).join(key.as_str());
        assert_eq!(std::fs::read(path).unwrap(), bytes);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_goes_in_comes_out() {
        for (piece, length) in
            [(1, 0), (1, 5), (3, 1_000), (1 << 10, 300 << 10), (64 << 10, 20 << 20), (1 << 20, 8 << 20)]
        {
            pass(piece, length, true).await;
            pass(piece, length, false).await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_failure_is_told_again_and_again() {
        let home = tempfile::tempdir().unwrap();
        let blobs: Arc<dyn BlobStore> = Arc::new(Folder::open(&home.path().join("blobs")).unwrap());
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(b"of which nothing is staged");
        let thread = OwnThread::new(Threads::default());
        let mut intake = Intake::open(&blobs, &ContentKey::unused(), hasher, &Gathering::default(), &thread);
        let feeding = async move {
            let fed = loop {
                if let Err(error) = intake.push(Bytes::from(vec![0; 64 << 10])).await {
                    break error;
                }
            };
            (fed, intake.finish().await.err())
        };
        let fed = tokio::time::timeout(Duration::from_secs(10), thread.run(feeding)).await.unwrap();
        let Some((StoreError::Damaged(_), Some(StoreError::Unavailable(_)))) = fed else { panic!("{fed:?}") };
    }
}
