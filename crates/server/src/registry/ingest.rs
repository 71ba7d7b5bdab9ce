//! Brings a request body into the blob store. It hashes and writes while further bytes arrive. Memory is
//! bounded, and a slow client holds no thread.

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

/// What happens to content after a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// More bytes may follow, in another request.
    Pauses,
    /// It is committed, if the body has no fault.
    Commits,
}

/// The result of reading a body.
pub(super) struct Ingested<'a> {
    /// The writer has all bytes of the content so far.
    pub(super) writer: Box<dyn BlobWriter>,
    /// The fault of the body, if it had one. All bytes that arrived are written and hashed.
    pub(super) cut: Option<Cut>,
    /// The room that the body takes up. It is held until a row counts these bytes.
    pub(super) room: Room<'a>,
}

/// A fault of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// The blob would be larger than the limit.
    TooLong,
    /// The body is not as long as its `Content-Range` says.
    WrongLength,
    /// The body stopped arriving for too long.
    Stalled,
    /// The connection ended before the body did.
    Broken,
}

impl Cut {
    /// The error that the client is told.
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

/// The upload session of a body, which has to exist before bytes are staged.
pub(super) trait BeforeStaging {
    /// Makes sure that the session exists.
    ///
    /// # Errors
    /// If the login has ended, or if the session cannot be opened or claimed.
    async fn provide(&self) -> Result<()>;

    /// Records that another process could continue from a checkpoint.
    ///
    /// # Errors
    /// If the session has ended, if another request has it, or if the store fails.
    async fn note(&self, progress: Checkpoint) -> Result<()>;

    /// Whether the session has ended. Then its staged bytes are gone.
    async fn has_ended(&self) -> bool;
}

/// Appends a body to the content of `writer`. The body must have `expected` bytes, if that is known.
///
/// # Errors
/// If the store fails, if the upload has ended, if the account has no room for the body, or if the body
/// declares a length above the limit. The staged bytes are then useless. A fault that shows only while the body
/// arrives is no error: see [`Ingested::cut`].
pub(super) async fn ingest<'a>(
    context: &'a Context<'a>,
    writer: Box<dyn BlobWriter>,
    mut body: Incoming,
    expected: Option<u64>,
    then: Then,
    before_staging: &impl BeforeStaging,
    ended: &CancellationToken,
) -> Result<Ingested<'a>> {
    let app = context.app;
    let limit = app.limits.blob_bytes.saturating_sub(writer.hasher().hashed());
    if body.size_hint().lower() > limit {
        return Err(Cut::TooLong.refusal(app).into());
    }
    let mut room = Room::for_body(context, body.size_hint().exact().or(expected)).await?;
    let mut intake = Intake::open(writer, &app.gathering, context.thread, ended.clone());
    if is_large(body.size_hint().lower()) {
        before_staging.provide().await?;
        intake.expect_much().await;
    }
    let limits = Limits { bytes: limit, expected, stall: app.limits.body_stall };
    let cut = feed(&mut body, &mut intake, &mut room, &limits, before_staging, ended).await?;
    // After a fault the session has to keep the bytes.
    let finished = match then {
        Then::Commits if cut.is_none() => intake.finish_to_commit().await,
        Then::Commits | Then::Pauses => intake.finish().await,
    };
    match finished {
        Ok(writer) => Ok(Ingested { writer, cut, room }),
        Err(error) => Err(failed(before_staging, error).await),
    }
}

/// The refusal after a failed write. If the session has ended, or its staged bytes are gone, the client is told
/// that the session is unknown. It then has to upload the blob again.
async fn failed(before_staging: &impl BeforeStaging, error: StoreError) -> Refusal {
    if before_staging.has_ended().await {
        return OciError::blob_upload_unknown().into();
    }
    match error {
        StoreError::Damaged(error) => {
            tracing::warn!(%error, "the bytes of an upload are gone");
            OciError::blob_upload_unknown().into()
        }
        error => error.into(),
    }
}

/// The limits for a body.
struct Limits {
    /// The most bytes that may arrive.
    bytes: u64,
    /// The exact number of bytes, if it is known.
    expected: Option<u64>,
    /// How long the client may send nothing.
    stall: Duration,
}

/// Gives the body to the intake piece by piece. Returns the fault of the body, if it had one.
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
        // A body with an expected length may still turn out to be wrong, and then nothing of it counts.
        if expected.is_none()
            && let Some(progress) = intake.progress()
        {
            before_staging.note(progress).await?;
        }
    }
}
