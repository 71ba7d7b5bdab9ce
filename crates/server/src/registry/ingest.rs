//! A request body on its way into the blob store: hashed and written while the next bytes arrive,
//! memory bounded, and no thread held by a client that is slow.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gangplank_oci::{ErrorCode, Hasher, OciError};
use gangplank_store::StoreError;
use gangplank_store::blobs::{BlobStore, ContentKey, Staged};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::task::{JoinHandle, spawn_blocking};

use super::Result;
use crate::app::App;

/// How many bytes are gathered before a thread is asked to hash and write them. While it does, as
/// many again are gathered, so an upload holds less than 1 MiB.
const BATCH: usize = 256 << 10;

/// What a body left behind.
pub(super) struct Ingested {
    /// The content so far, ready to be published.
    pub(super) staged: Box<dyn Staged>,
    /// The hash of all of it.
    pub(super) hasher: Hasher,
    /// Why the body ended before its end, if it did. What had come is staged and hashed.
    pub(super) cut: Option<OciError>,
}

/// Appends a body to what is staged under `key`, of which `hasher` has seen all.
///
/// # Errors
/// If the store fails; what is staged is then of no use. A body that is cut off or too long is no
/// such error: see [`Ingested::cut`].
pub(super) async fn ingest(
    app: &App,
    key: &ContentKey,
    hasher: Hasher,
    mut body: Incoming,
) -> Result<Ingested> {
    let limit = app.limits.blob_bytes;
    let mut left = limit.saturating_sub(hasher.hashed());
    if body.size_hint().lower() > left {
        return Err(OciError::blob_too_large(limit).into());
    }
    let mut pipe = Pipe::open(Arc::clone(&app.blobs), key.clone(), hasher);
    let cut = loop {
        let piece = match next_piece(&mut body, app.limits.body_stall).await {
            Ok(Some(piece)) => piece,
            Ok(None) => break None,
            Err(cut) => break Some(cut),
        };
        match left.checked_sub(piece.len() as u64) {
            Some(rest) => left = rest,
            None => break Some(OciError::blob_too_large(limit)),
        }
        pipe.push(piece).await?;
    };
    let Sink { staged, hasher } = pipe.finish().await?;
    Ok(Ingested { staged, hasher, cut })
}

/// The next bytes of a body; `None` at its end.
async fn next_piece(body: &mut Incoming, stall: Duration) -> std::result::Result<Option<Bytes>, OciError> {
    loop {
        match tokio::time::timeout(stall, body.frame()).await {
            Ok(None) => return Ok(None),
            Ok(Some(Ok(frame))) => {
                if let Ok(piece) = frame.into_data() {
                    return Ok(Some(piece));
                }
            }
            Ok(Some(Err(_))) => {
                let message = "the body ended early; resume the upload where it stands";
                return Err(OciError::blob_upload_invalid(message));
            }
            Err(_) => {
                let message = "the body stopped coming; resume the upload where it stands";
                return Err(OciError::new(ErrorCode::BlobUploadInvalid, 408, message));
            }
        }
    }
}

/// Where bytes go.
struct Sink {
    staged: Box<dyn Staged>,
    hasher: Hasher,
}

/// Bytes being gathered, and the thread that works on the batch before.
struct Pipe {
    working: JoinHandle<gangplank_store::Result<Sink>>,
    batch: Vec<Bytes>,
    gathered: usize,
}

impl Pipe {
    fn open(blobs: Arc<dyn BlobStore>, key: ContentKey, hasher: Hasher) -> Self {
        let working = spawn_blocking(move || {
            let staged = blobs.stage(&key, hasher.hashed())?;
            Ok(Sink { staged, hasher })
        });
        Self { working, batch: Vec::new(), gathered: 0 }
    }

    async fn push(&mut self, piece: Bytes) -> gangplank_store::Result<()> {
        self.gathered += piece.len();
        self.batch.push(piece);
        if self.gathered >= BATCH { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> gangplank_store::Result<()> {
        let mut sink = self.idle().await?;
        let batch = std::mem::take(&mut self.batch);
        self.gathered = 0;
        self.working = spawn_blocking(move || {
            for piece in &batch {
                sink.staged.write(piece)?;
                sink.hasher.update(piece);
            }
            Ok(sink)
        });
        Ok(())
    }

    async fn finish(mut self) -> gangplank_store::Result<Sink> {
        if !self.batch.is_empty() {
            self.flush().await?;
        }
        self.idle().await
    }

    /// Waits for the thread to be done with its batch.
    async fn idle(&mut self) -> gangplank_store::Result<Sink> {
        let done = (&mut self.working).await;
        done.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
    }
}
