//! A request body on its way into the blob store: hashed and written while the next bytes arrive,
//! memory bounded, and no thread held by a client that is slow.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gangplank_oci::{Algorithm, ErrorCode, Hasher, OciError};
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
    /// What was wrong with the body, if anything. What had come is staged and hashed.
    pub(super) cut: Option<Cut>,
}

/// What was wrong with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// It is more than a blob may have.
    TooLong,
    /// It is not as long as its `Content-Range` says.
    WrongLength,
    /// It stopped coming.
    Stalled,
    /// The connection ended before it did.
    Broken,
}

impl Cut {
    /// What the client is told.
    pub(super) fn refusal(self, app: &App) -> OciError {
        match self {
            Self::TooLong => OciError::blob_too_large(app.limits.blob_bytes),
            Self::WrongLength => OciError::blob_upload_range("the body is not as long as Content-Range says"),
            Self::Stalled => OciError::new(
                ErrorCode::BlobUploadInvalid,
                408,
                "the body stopped coming; resume the upload where it stands",
            ),
            Self::Broken => {
                OciError::blob_upload_invalid("the body ended early; resume the upload where it stands")
            }
        }
    }
}

/// Appends a body, which must have `expected` bytes if that is known, to what is staged under
/// `key`, of which `hasher` has seen all.
///
/// # Errors
/// If the store fails or the body says itself that it is too long; what is staged is then of no
/// use. A body that only turns out to be wrong is no such error: see [`Ingested::cut`].
pub(super) async fn ingest(
    app: &App,
    key: &ContentKey,
    hasher: Hasher,
    mut body: Incoming,
    expected: Option<u64>,
) -> Result<Ingested> {
    let limit = app.limits.blob_bytes.saturating_sub(hasher.hashed());
    if body.size_hint().lower() > limit {
        return Err(Cut::TooLong.refusal(app).into());
    }
    let mut pipe = Pipe::open(Arc::clone(&app.blobs), key.clone(), hasher);
    let cut = feed(&mut body, &mut pipe, limit, expected, app.limits.body_stall).await?;
    let Sink { staged, hasher } = pipe.finish().await?;
    Ok(Ingested { staged, hasher, cut })
}

/// Hashes what is staged under `key`, the first `length` bytes of it or all that there is.
pub(super) async fn hash_staged(
    app: &App,
    key: &ContentKey,
    algorithm: Algorithm,
    length: u64,
) -> gangplank_store::Result<Hasher> {
    let key = key.clone();
    app.blocking(move |blobs| {
        let mut staged = blobs.open_staged(&key)?.take(length);
        let (mut hasher, mut piece) = (Hasher::new(algorithm), vec![0; BATCH]);
        loop {
            match staged.read(&mut piece)? {
                0 => return Ok(hasher),
                read => hasher.update(&piece[..read]),
            }
        }
    })
    .await
}

/// Hands the body over piece by piece; says what was wrong with it.
async fn feed(
    body: &mut Incoming,
    pipe: &mut Pipe,
    limit: u64,
    expected: Option<u64>,
    stall: Duration,
) -> gangplank_store::Result<Option<Cut>> {
    let declared = body.size_hint().exact();
    let (mut fed, limit) = (0, expected.map_or(limit, |expected| expected.min(limit)));
    loop {
        let frame = match tokio::time::timeout(stall, body.frame()).await {
            Err(_) => return Ok(Some(Cut::Stalled)),
            Ok(None) if declared.is_some_and(|declared| declared != fed) => return Ok(Some(Cut::Broken)),
            Ok(None) if expected.is_some_and(|expected| expected != fed) => {
                return Ok(Some(Cut::WrongLength));
            }
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Ok(Some(Cut::Broken)),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(piece) = frame.into_data() else { continue };
        fed += piece.len() as u64;
        if fed > limit {
            return Ok(Some(if expected == Some(limit) { Cut::WrongLength } else { Cut::TooLong }));
        }
        pipe.push(piece).await?;
    }
}

/// Where bytes go.
struct Sink {
    staged: Box<dyn Staged>,
    hasher: Hasher,
}

impl Sink {
    /// Writes and hashes a batch.
    fn take(mut self, batch: &[Bytes]) -> gangplank_store::Result<Self> {
        for piece in batch {
            self.staged.write(piece)?;
            self.hasher.update(piece);
        }
        Ok(self)
    }
}

/// Bytes being gathered, and the thread that works on the batch before.
struct Pipe {
    /// Where the bytes go, until the first batch is handed over: a small blob then takes one thread, once.
    begin: Option<Begin>,
    working: Option<JoinHandle<gangplank_store::Result<Sink>>>,
    batch: Vec<Bytes>,
    gathered: usize,
}

type Begin = Box<dyn FnOnce() -> gangplank_store::Result<Sink> + Send>;

impl Pipe {
    fn open(blobs: Arc<dyn BlobStore>, key: ContentKey, hasher: Hasher) -> Self {
        let begin: Begin = Box::new(move || Ok(Sink { staged: blobs.stage(&key, hasher.hashed())?, hasher }));
        Self { begin: Some(begin), working: None, batch: Vec::new(), gathered: 0 }
    }

    async fn push(&mut self, piece: Bytes) -> gangplank_store::Result<()> {
        self.gathered += piece.len();
        self.batch.push(piece);
        if self.gathered >= BATCH { self.flush().await } else { Ok(()) }
    }

    /// Hands over what was gathered, when the thread is done with the batch before.
    async fn flush(&mut self) -> gangplank_store::Result<()> {
        let before = match self.begin.take() {
            Some(begin) => begin,
            None => {
                let sink = self.idle().await?;
                Box::new(move || Ok(sink)) as Begin
            }
        };
        let batch = std::mem::take(&mut self.batch);
        self.gathered = 0;
        self.working = Some(spawn_blocking(move || before()?.take(&batch)));
        Ok(())
    }

    async fn finish(mut self) -> gangplank_store::Result<Sink> {
        if !self.batch.is_empty() || self.begin.is_some() {
            self.flush().await?;
        }
        self.idle().await
    }

    /// Waits for the thread to be done with its batch.
    async fn idle(&mut self) -> gangplank_store::Result<Sink> {
        let Some(working) = &mut self.working else {
            return Err(StoreError::Unavailable("an upload has no thread to write it".to_owned()));
        };
        working.await.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
    }
}
