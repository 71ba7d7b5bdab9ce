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
    /// Why the body ended before its end, if it did. What had come is staged and hashed.
    pub(super) cut: Option<OciError>,
}

/// Appends a body to what is staged under `key`, of which `hasher` has seen all.
///
/// # Errors
/// If the store fails; what is staged is then of no use. A body that is cut off or too long is no
/// such error: see [`Ingested::cut`].
pub(super) async fn ingest(app: &App, key: &ContentKey, hasher: Hasher, body: Incoming) -> Result<Ingested> {
    let limit = app.limits.blob_bytes.saturating_sub(hasher.hashed());
    if body.size_hint().lower() > limit {
        return Err(OciError::blob_too_large(app.limits.blob_bytes).into());
    }
    let (pieces, waiting) = mpsc::channel(WAITING);
    let key = key.clone();
    let blobs = std::sync::Arc::clone(&app.blobs);
    let writer = tokio::task::spawn_blocking(move || {
        let staged = blobs.stage(&key, hasher.hashed())?;
        write(staged, hasher, waiting)
    });
    let cut = feed(body, &pieces, limit, app.limits.body_stall).await;
    drop(pieces);
    let written =
        writer.await.map_err(|error| gangplank_store::StoreError::Unavailable(error.to_string()))?;
    let (staged, hasher) = written?;
    let cut = cut.map(|cut| match cut {
        Cut::TooLong => OciError::blob_too_large(app.limits.blob_bytes),
        Cut::Stalled => OciError::new(
            gangplank_oci::ErrorCode::BlobUploadInvalid,
            408,
            "the body stopped coming; resume the upload where it stands",
        ),
        Cut::Broken => {
            OciError::blob_upload_invalid("the body ended early; resume the upload where it stands")
        }
    });
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

enum Cut {
    TooLong,
    Stalled,
    Broken,
}

/// Hands the body over piece by piece; says why it ended early, if it did.
async fn feed(mut body: Incoming, pieces: &mpsc::Sender<Bytes>, limit: u64, stall: Duration) -> Option<Cut> {
    let mut left = limit;
    loop {
        let frame = match tokio::time::timeout(stall, body.frame()).await {
            Err(_) => return Some(Cut::Stalled),
            Ok(None) => return None,
            Ok(Some(Err(_))) => return Some(Cut::Broken),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(piece) = frame.into_data() else { continue };
        let Some(rest) = left.checked_sub(piece.len() as u64) else { return Some(Cut::TooLong) };
        left = rest;
        if pieces.send(piece).await.is_err() {
            // The writer failed, and will say why.
            return None;
        }
    }
}
