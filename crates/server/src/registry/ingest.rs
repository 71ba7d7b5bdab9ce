//! A request body on its way into the blob store: hashed and written together, memory bounded.

use std::time::Duration;

use bytes::Bytes;
use gangplank_oci::{Hasher, OciError};
use gangplank_store::blobs::{ContentKey, Staged};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::sync::mpsc;

use super::Result;
use crate::app::App;

/// How many pieces of a body may wait between the socket and the disk. A piece is at most the
/// connection's buffer, so an upload holds less than 1 MiB.
const WAITING: usize = 6;

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
                gangplank_oci::ErrorCode::BlobUploadInvalid,
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
    body: Incoming,
    expected: Option<u64>,
) -> Result<Ingested> {
    let limit = app.limits.blob_bytes.saturating_sub(hasher.hashed());
    if body.size_hint().lower() > limit {
        return Err(Cut::TooLong.refusal(app).into());
    }
    let (pieces, waiting) = mpsc::channel(WAITING);
    let key = key.clone();
    let blobs = std::sync::Arc::clone(&app.blobs);
    let writer = tokio::task::spawn_blocking(move || {
        let staged = blobs.stage(&key, hasher.hashed())?;
        write(staged, hasher, waiting)
    });
    let cut = feed(body, &pieces, limit, expected, app.limits.body_stall).await;
    drop(pieces);
    let written =
        writer.await.map_err(|error| gangplank_store::StoreError::Unavailable(error.to_string()))?;
    let (staged, hasher) = written?;
    Ok(Ingested { staged, hasher, cut })
}

fn write(
    mut staged: Box<dyn Staged>,
    mut hasher: Hasher,
    mut waiting: mpsc::Receiver<Bytes>,
) -> gangplank_store::Result<(Box<dyn Staged>, Hasher)> {
    while let Some(piece) = waiting.blocking_recv() {
        staged.write(&piece)?;
        hasher.update(&piece);
    }
    Ok((staged, hasher))
}

/// Hands the body over piece by piece; says what was wrong with it.
async fn feed(
    mut body: Incoming,
    pieces: &mpsc::Sender<Bytes>,
    limit: u64,
    expected: Option<u64>,
    stall: Duration,
) -> Option<Cut> {
    let declared = body.size_hint().exact();
    let (mut fed, limit) = (0, expected.map_or(limit, |expected| expected.min(limit)));
    loop {
        let frame = match tokio::time::timeout(stall, body.frame()).await {
            Err(_) => return Some(Cut::Stalled),
            Ok(None) if declared.is_some_and(|declared| declared != fed) => return Some(Cut::Broken),
            Ok(None) if expected.is_some_and(|expected| expected != fed) => return Some(Cut::WrongLength),
            Ok(None) => return None,
            Ok(Some(Err(_))) => return Some(Cut::Broken),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(piece) = frame.into_data() else { continue };
        fed += piece.len() as u64;
        if fed > limit {
            return Some(if expected == Some(limit) { Cut::WrongLength } else { Cut::TooLong });
        }
        if pieces.send(piece).await.is_err() {
            // The writer failed, and will say why.
            return None;
        }
    }
}
