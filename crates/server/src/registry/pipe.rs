//! Bytes on their way from a socket to a thread that hashes and writes them.
//!
//! The thread goes on as long as there is something in the queue, so that neither side waits for the other
//! to wake up while bytes flow; when the queue is empty it ends, so that a client that is slow holds none.
//! It is called again when a batch has come together.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use gangplank_oci::Hasher;
use gangplank_store::blobs::{BlobStore, ContentKey, Staged};
use gangplank_store::{Result, StoreError};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_blocking};

/// How many bytes are gathered before a thread is called.
const BATCH: usize = 256 << 10;

/// How many bytes may wait. With what is being read and what is being written, an upload holds less than
/// 1 MiB.
const ROOM: usize = 640 << 10;

/// Where bytes go.
pub(super) struct Sink {
    pub(super) staged: Box<dyn Staged>,
    pub(super) hasher: Hasher,
}

/// The side of the socket.
pub(super) struct Pipe {
    queue: Arc<Queue>,
    thread: Thread,
}

#[expect(clippy::large_enum_variant, reason = "there is one for each upload, and it does not move")]
enum Thread {
    /// Nothing was handed over yet.
    NotCalled { blobs: Arc<dyn BlobStore>, key: ContentKey, hasher: Hasher },
    /// It works, or has ended and left the sink.
    Called(JoinHandle<Result<Sink>>),
}

impl Pipe {
    /// Goes on with what is staged under `key`, all of which `hasher` has seen.
    pub(super) fn open(blobs: Arc<dyn BlobStore>, key: ContentKey, hasher: Hasher) -> Self {
        Self { queue: Arc::default(), thread: Thread::NotCalled { blobs, key, hasher } }
    }

    /// Hands a piece over, when there is room for it.
    ///
    /// # Errors
    /// What staging or writing an earlier piece failed with.
    pub(super) async fn push(&mut self, piece: Bytes) -> Result<()> {
        while !self.queue.has_room() {
            self.queue.room.notified().await;
        }
        if self.queue.put(piece) { self.call().await } else { Ok(()) }
    }

    /// Waits until everything is written.
    pub(super) async fn finish(mut self) -> Result<Sink> {
        // What is left may be less than a batch.
        if self.queue.take_on() {
            self.call().await?;
        }
        match self.thread {
            Thread::Called(thread) => ended(thread).await,
            Thread::NotCalled { .. } => Err(StoreError::Unavailable("nothing was staged".to_owned())),
        }
    }

    /// Calls the thread, which does not work now.
    async fn call(&mut self) -> Result<()> {
        let queue = Arc::clone(&self.queue);
        let thread = match &mut self.thread {
            Thread::NotCalled { blobs, key, hasher } => {
                let (blobs, key, hasher) = (Arc::clone(blobs), key.clone(), hasher.clone());
                spawn_blocking(move || {
                    let working = Working::on(&queue);
                    let staged = blobs.stage(&key, hasher.hashed())?;
                    working.drain(Sink { staged, hasher })
                })
            }
            Thread::Called(before) => {
                let sink = ended(before).await?;
                spawn_blocking(move || Working::on(&queue).drain(sink))
            }
        };
        self.thread = Thread::Called(thread);
        Ok(())
    }
}

async fn ended(
    thread: impl Future<Output = std::result::Result<Result<Sink>, tokio::task::JoinError>>,
) -> Result<Sink> {
    thread.await.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
}

/// What waits between the two sides.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    /// Told when there is room again, or the thread has ended.
    room: Notify,
}

#[derive(Default)]
struct Waiting {
    pieces: VecDeque<Bytes>,
    bytes: usize,
    /// Whether a thread has been called that will look into the queue again.
    is_worked_on: bool,
    /// Whether one was ever called.
    is_begun: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A queue that nobody works on has room: what it holds is less than a batch, or the thread has failed.
    fn has_room(&self) -> bool {
        let waiting = self.lock();
        waiting.bytes < ROOM || !waiting.is_worked_on
    }

    /// Adds a piece; says whether a thread is to be called, which then counts as called.
    fn put(&self, piece: Bytes) -> bool {
        let mut waiting = self.lock();
        waiting.bytes += piece.len();
        waiting.pieces.push_back(piece);
        let call = waiting.bytes >= BATCH && !waiting.is_worked_on;
        waiting.is_worked_on |= call;
        waiting.is_begun |= call;
        call
    }

    /// Says whether a thread is to be called for what is left, or to stage nothing at all.
    fn take_on(&self) -> bool {
        let mut waiting = self.lock();
        let call = !waiting.is_worked_on && (!waiting.pieces.is_empty() || !waiting.is_begun);
        waiting.is_worked_on |= call;
        waiting.is_begun |= call;
        call
    }

    /// The next piece; without one, the thread counts as ended.
    fn next(&self) -> Option<Bytes> {
        let mut waiting = self.lock();
        let Some(piece) = waiting.pieces.pop_front() else {
            waiting.is_worked_on = false;
            return None;
        };
        waiting.bytes -= piece.len();
        if waiting.bytes < ROOM / 2 {
            self.room.notify_one();
        }
        Some(piece)
    }
}

/// The side of the thread. If it fails, the other side hears of it.
struct Working<'a> {
    queue: &'a Queue,
    has_failed: bool,
}

impl<'a> Working<'a> {
    fn on(queue: &'a Queue) -> Self {
        Self { queue, has_failed: true }
    }

    /// Takes what there is, until there is nothing.
    fn drain(mut self, mut sink: Sink) -> Result<Sink> {
        while let Some(piece) = self.queue.next() {
            sink.staged.write(&piece)?;
            sink.hasher.update(&piece);
        }
        self.has_failed = false;
        Ok(sink)
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        if self.has_failed {
            self.queue.lock().is_worked_on = false;
            self.queue.room.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use gangplank_oci::{Algorithm, Digest};
    use gangplank_store::blobs::Folder;

    use super::*;

    /// What goes in in pieces of this size, so many bytes in all, comes out as it was.
    async fn pass(piece: usize, length: usize) {
        let home = tempfile::tempdir().unwrap();
        let blobs: Arc<dyn BlobStore> = Arc::new(Folder::open(&home.path().join("blobs")).unwrap());
        let key = ContentKey::unused();
        let bytes: Vec<u8> = (0..length).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect();
        let mut pipe = Pipe::open(Arc::clone(&blobs), key.clone(), Hasher::new(Algorithm::Sha256));
        for piece in bytes.chunks(piece) {
            pipe.push(Bytes::copy_from_slice(piece)).await.unwrap();
            assert!(pipe.queue.lock().bytes < ROOM + piece.len());
        }
        let sink = pipe.finish().await.unwrap();
        assert_eq!(sink.hasher.finish(), Digest::of(Algorithm::Sha256, &bytes));
        sink.staged.publish().unwrap();
        let path = home.path().join("blobs/content").join(&key.as_str()[30..]).join(key.as_str());
        assert_eq!(std::fs::read(path).unwrap(), bytes);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_goes_in_comes_out() {
        for (piece, length) in
            [(1, 0), (1, 5), (3, 1_000), (1 << 10, 300 << 10), (64 << 10, 8 << 20), (1 << 20, 8 << 20)]
        {
            pass(piece, length).await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_failure_is_heard_and_nobody_waits_for_ever() {
        let home = tempfile::tempdir().unwrap();
        let blobs: Arc<dyn BlobStore> = Arc::new(Folder::open(&home.path().join("blobs")).unwrap());
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(b"of which nothing is staged");
        let mut pipe = Pipe::open(blobs, ContentKey::unused(), hasher);
        let feeding = async {
            loop {
                pipe.push(Bytes::from(vec![0; 64 << 10])).await?;
            }
        };
        let fed: Result<()> =
            tokio::time::timeout(std::time::Duration::from_secs(10), feeding).await.unwrap();
        assert!(matches!(fed, Err(StoreError::Damaged(_))), "{fed:?}");
    }
}
