//! A request body on its way into the blob store: hashed and written while the next bytes arrive,
//! memory bounded, and no thread held by a client that is slow.

use std::pin::pin;
use std::time::Duration;

use gangplank_oci::{ErrorCode, OciError};
use gangplank_store::StoreError;
use gangplank_store::blobs::{BlobWriter, Checkpoint};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio_util::sync::CancellationToken;

use super::intake::{Intake, is_large};
use super::refusal::Refusal;
use super::room::Room;
use super::{Context, Result};
use crate::app::App;

/// What a body left behind.
pub(super) struct Ingested<'a> {
    /// Has all of the content so far.
    pub(super) writer: Box<dyn BlobWriter>,
    /// What was wrong with the body, if anything. What had come is written and hashed.
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

    /// Notes that another process could go on from a checkpoint.
    async fn note(&self, progress: Checkpoint) -> Result<()>;

    /// Whether it has ended since, and with it what was staged.
    async fn has_ended(&self) -> bool;
}

/// Appends a body, which must have `expected` bytes if that is known, to what `writer` has.
///
/// # Errors
/// If the store fails, the upload that it is for has ended, the account may not have so much, or the body says itself
/// that it is too long; what is staged is then of no use. A body that only turns out to be wrong is no such error: see [`Ingested::cut`].
pub(super) async fn ingest<'a>(
    context: &'a Context<'a>,
    writer: Box<dyn BlobWriter>,
    mut body: Incoming,
    expected: Option<u64>,
    before_staging: &impl BeforeStaging,
    ended: &CancellationToken,
) -> Result<Ingested<'a>> {
    let app = context.app;
    let limit = app.limits.blob_bytes.saturating_sub(writer.hasher().hashed());
    if body.size_hint().lower() > limit {
        return Err(Cut::TooLong.refusal(app).into());
    }
    let mut room = Room::for_body(context, body.size_hint().exact().or(expected)).await?;
    let mut intake = Intake::open(writer, &app.gathering, context.thread);
    if is_large(body.size_hint().lower()) {
        before_staging.provide().await?;
        intake.expect_much().await;
    }
    let limits = Limits { bytes: limit, expected, stall: app.limits.body_stall };
    let cut = feed(&mut body, &mut intake, &mut room, &limits, before_staging, ended).await?;
    match intake.finish().await {
        Ok(writer) => Ok(Ingested { writer, cut, room }),
        Err(error) => Err(failed(before_staging, error).await),
    }
}

/// What a client is told whose bytes could not be written.
async fn failed(before_staging: &impl BeforeStaging, error: StoreError) -> Refusal {
    if before_staging.has_ended().await { OciError::blob_upload_unknown().into() } else { error.into() }
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
            return Err(failed(before_staging, error).await);
        }
        // A body that has to have a length may still turn out not to be part of the upload.
        if expected.is_none()
            && let Some(progress) = intake.progress()
        {
            before_staging.note(progress).await?;
        }
    }
}
