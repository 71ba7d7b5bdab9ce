//! A request body on its way into the blob store: hashed and written while the next bytes arrive,
//! memory bounded, and no thread held by a client that is slow.

use std::io::Read as _;
use std::pin::pin;
use std::time::Duration;

use gangplank_oci::{Algorithm, ErrorCode, Hasher, OciError};
use gangplank_store::blobs::{ContentKey, Staged};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio_util::sync::CancellationToken;

use super::intake::{Intake, is_large};
use super::room::Room;
use super::{Context, Result};
use crate::app::App;

/// What a body left behind.
pub(super) struct Ingested<'a> {
    /// The content so far, ready to be published; `None` if the body brought none of it.
    pub(super) staged: Option<Box<dyn Staged>>,
    /// The hash of all of it.
    pub(super) hasher: Hasher,
    /// What was wrong with the body, if anything. What had come is staged and hashed.
    pub(super) cut: Option<Cut>,
    /// Its room, to be held until a row says how much it is.
    pub(super) room: Room<'a>,
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

/// What has to be there before bytes are staged, and as long as they are.
pub(super) trait BeforeStaging {
    /// Provides it, if it is not there yet.
    async fn provide(&self) -> Result<()>;

    /// Whether it has ended since, and with it what was staged.
    async fn has_ended(&self) -> bool;
}

/// Appends a body, which must have `expected` bytes if that is known, to what is staged under
/// `key`, of which `hasher` has seen all.
///
/// # Errors
/// If the store fails, the upload that it is for has ended, the account may not have so much, or the body says itself
/// that it is too long; what is staged is then of no use. A body that only turns out to be wrong is no such error: see [`Ingested::cut`].
pub(super) async fn ingest<'a>(
    context: &'a Context<'a>,
    key: &ContentKey,
    hasher: Hasher,
    mut body: Incoming,
    expected: Option<u64>,
    before_staging: &impl BeforeStaging,
    ended: &CancellationToken,
) -> Result<Ingested<'a>> {
    let app = context.app;
    let limit = app.limits.blob_bytes.saturating_sub(hasher.hashed());
    if body.size_hint().lower() > limit {
        return Err(Cut::TooLong.refusal(app).into());
    }
    let mut room = Room::for_body(context, body.size_hint().exact().or(expected)).await?;
    let mut intake = Intake::open(&app.blobs, key, hasher, &app.gathering, context.thread);
    if is_large(body.size_hint().lower()) {
        before_staging.provide().await?;
        context.thread.enter().await;
    }
    let limits = Limits { bytes: limit, expected, stall: app.limits.body_stall };
    let cut = feed(&mut body, &mut intake, &mut room, &limits, before_staging, ended).await?;
    match intake.finish().await {
        Ok((staged, hasher)) => Ok(Ingested { staged, hasher, cut, room }),
        Err(_) if before_staging.has_ended().await => Err(OciError::blob_upload_unknown().into()),
        Err(error) => Err(error.into()),
    }
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
        let mut hasher = Hasher::new(algorithm);
        hasher.read_from(blobs.open_staged(&key)?.take(length))?;
        Ok(hasher)
    })
    .await
}

/// What a body is held to.
struct Limits {
    /// How many bytes there may be.
    bytes: u64,
    /// How many there must be, if that is known.
    expected: Option<u64>,
    /// How long nothing may come.
    stall: Duration,
}

/// Hands the body over piece by piece; says what was wrong with it.
async fn feed(
    body: &mut Incoming,
    intake: &mut Intake,
    room: &mut Room<'_>,
    limits: &Limits,
    before_staging: &impl BeforeStaging,
    ended: &CancellationToken,
) -> Result<Option<Cut>> {
    let declared = body.size_hint().exact();
    let Limits { bytes, expected, stall } = *limits;
    let mut ended = pin!(ended.cancelled());
    let (mut fed, limit) = (0, expected.map_or(bytes, |expected| expected.min(bytes)));
    loop {
        let frame = tokio::select! {
            frame = tokio::time::timeout(stall, body.frame()) => frame,
            () = &mut ended => return Err(OciError::blob_upload_unknown().into()),
        };
        let frame = match frame {
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
        room.grow(fed).await?;
        if intake.writes_with(&piece) {
            before_staging.provide().await?;
        }
        if let Err(error) = intake.push(piece).await {
            let has_ended = before_staging.has_ended().await;
            return Err(if has_ended { OciError::blob_upload_unknown().into() } else { error.into() });
        }
    }
}
