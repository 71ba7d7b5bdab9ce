//! Appends a body to an upload session: a chunk, or the last bytes.

use std::pin::pin;
use std::time::Duration;

use gangplank_core::upload::{self, ChunkRefusal, GIVES_WAY_AFTER};
use gangplank_oci::{Algorithm, ContentRange, Digest, OciError, RepositoryName};
use gangplank_store::blobs::{BlobWriter, Checkpoint};
use hyper::HeaderMap;
use hyper::body::{Body as _, Incoming};
use hyper::header::CONTENT_RANGE;
use tokio_util::sync::CancellationToken;

use super::ingest::{BeforeStaging, Cut, Ingested, Then, ingest};
use super::publish::{Complete, lost, publish};
use super::refusal::Refusal;
use super::room::Room;
use super::upload_session::{self, Session};
use super::uploads::Standing;
use super::{Context, Result};
use crate::app::App;

/// A body that continues its session.
pub(super) struct Append<'a> {
    session: Session<'a>,
    /// The writer has all bytes of the session.
    writer: Box<dyn BlobWriter>,
    body: Incoming,
    /// The exact length of the body in bytes, if it is known.
    expected: Option<u64>,
}

impl<'a> Append<'a> {
    /// Claims the session of the body. The last request of a session names the `algorithm` of its digest. A session
    /// that has no bytes yet is hashed with this algorithm.
    ///
    /// # Errors
    /// If another request has the session, if the session is over, or if the body does not begin at the
    /// session's position. The last error states that position.
    pub(super) async fn begin(
        context: &'a Context<'_>,
        repository: &'a RepositoryName,
        id: &str,
        body: Incoming,
        algorithm: Option<Algorithm>,
    ) -> Result<Self> {
        let session = Session::take_up(context, repository, id).await?;
        let received = session.received();
        let headers = &context.head.headers;
        let is_last = algorithm.is_some();
        let expected = expected_length(context.app, headers, received, &body, is_last)
            .map_err(|error| Refusal::from(error).at(session.standing(received)))?;
        let writer = session.writer(algorithm)?;
        Ok(Self { session, writer, body, expected })
    }

    /// Appends the body. Returns the session's new progress.
    pub(super) async fn advance(self) -> Result<Standing> {
        let (session, writer, _room) = self.append(Then::Pauses).await?;
        session.pause(writer).await?;
        Ok(session.standing(session.received()))
    }

    /// Appends the last bytes, if any, and makes the content a blob. Once the bytes have arrived, the session
    /// ends, even if the digest differs or the blob cannot be stored. If the store is out of reach and keeps
    /// checkpoints, the session continues from its last checkpoint.
    pub(super) async fn publish(self, digest: &Digest) -> Result<()> {
        let (session, writer, _room) = self.append(Then::Commits).await?;
        let content = Complete { key: session.key.clone(), writer, session: Some(&session) };
        let published = publish(session.context, session.repository, digest, content).await;
        match published {
            Ok(()) => {
                // Remembered before the claim is released, because a repeated request may be waiting for the
                // claim.
                let owner = upload_session::owner(session.context, session.repository);
                let app = session.context.app;
                app.finished_uploads.remember(session.id(), owner, *digest, app.clock.steady());
                Ok(())
            }
            Err(refusal) => Err(session.give_up_for(refusal).await),
        }
    }

    /// Appends the body. If the body ended early, the session continues after the bytes that arrived. If the
    /// body has the wrong length, none of its bytes count. If it is too long or cannot be stored, the session
    /// ends.
    async fn append(self, then: Then) -> Result<(Session<'a>, Box<dyn BlobWriter>, Room<'a>)> {
        let Self { session, writer, body, expected } = self;
        let app = session.context.app;
        let ended = CancellationToken::new();
        let ingesting = ingest(session.context, writer, body, expected, then, &session, &ended);
        let ingested = touching(app, || Some(&session), &ended, ingesting).await;
        let refusal = match ingested {
            Ok(Ingested { writer, cut: None, room }) => return Ok((session, writer, room)),
            Ok(Ingested { writer, cut: Some(cut), .. }) => {
                match cut {
                    Cut::TooLong => session.give_up().await,
                    Cut::WrongLength => {}
                    Cut::Stalled | Cut::Broken => session.pause(writer).await?,
                }
                cut.refusal(app).into()
            }
            Err(refusal) => session.give_up_for(refusal).await,
        };
        Err(refusal)
    }
}

/// The exact length of the body in bytes, if it has a `Content-Range`.
///
/// # Errors
/// If the range does not begin at `received`, or differs from the body's length. One exception: a last request
/// without a body may repeat the range that was already received.
fn expected_length(
    app: &App,
    headers: &HeaderMap,
    received: u64,
    body: &Incoming,
    is_last: bool,
) -> std::result::Result<Option<u64>, OciError> {
    let Some(header) = headers.get(CONTENT_RANGE) else { return Ok(None) };
    let range =
        header.to_str().ok().and_then(|text| ContentRange::parse(text).ok()).ok_or_else(|| {
            OciError::blob_upload_invalid("Content-Range is written <first byte>-<last byte>")
        })?;
    let length = body.size_hint().exact();
    if is_last && upload::repeats(received, range.first, range.last, length) {
        return Ok(Some(0));
    }
    match upload::check_chunk(received, range.first, range.last, length) {
        Ok(()) => Ok(Some(range.len())),
        Err(ChunkRefusal::OutOfOrder) => Err(OciError::blob_upload_range(format!(
            "the chunk starts at byte {}, but the upload stands at {received}",
            range.first
        ))),
        Err(ChunkRefusal::LengthMismatch) => Err(Cut::WrongLength.refusal(app)),
    }
}

/// The session exists before anything is appended to it.
impl BeforeStaging for Session<'_> {
    async fn provide(&self) -> Result<()> {
        Ok(())
    }

    async fn note(&self, progress: Checkpoint) -> Result<()> {
        self.advance(progress).await
    }

    async fn has_ended(&self) -> bool {
        Session::has_ended(self).await
    }
}

/// Receives a body, and regularly marks its session as used: a body may take longer than a session may be idle.
/// Cancels `ended` if the session has ended or another process has claimed it.
pub(super) async fn touching<'a, T>(
    app: &App,
    session: impl Fn() -> Option<&'a Session<'a>>,
    ended: &CancellationToken,
    taking_in: impl Future<Output = T>,
) -> T {
    // The interval is shorter than the longest idle time of a session, and than the time after which an idle session
    // may be ended for a new one.
    let touch_every = (app.limits.upload.idle / 6).clamp(Duration::from_secs(1), GIVES_WAY_AFTER / 6);
    let mut taking_in = pin!(taking_in);
    loop {
        tokio::select! {
            taken = &mut taking_in => return taken,
            () = lost(session()), if !ended.is_cancelled() => ended.cancel(),
            () = tokio::time::sleep(touch_every) => {
                // If this returned here, a thread would keep writing to a session that is no longer claimed.
                let Some(session) = session() else { continue };
                match session.touch().await {
                    Ok(true) => {}
                    Ok(false) => ended.cancel(),
                    Err(error) => tracing::warn!(?error, "cannot renew an upload session"),
                }
            }
        }
    }
}
