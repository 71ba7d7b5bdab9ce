//! Uploads a part, or a whole object.

use std::sync::Arc;
use std::time::Duration;

use gangplank_oci::{Algorithm, Hasher};
use gangplank_s3::{Crc64Hasher, Error, Guard, Part, WholeChecksum};
use tokio::sync::{OnceCell, oneshot};
use tokio::time::{Instant, timeout};

use super::failure::{failed, failed_upload};
use super::piece::{Piece, aside};
use super::state::{Tail, Upload};
use super::{Inner, MOST_PARTS};
use crate::blobs::ContentKey;
use crate::{Result, StoreError};

/// How often an upload is begun.
const TRIES: u32 = 3;

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// No further try begins when this time has passed since the first. Each try at a silent server lasts as long
/// as a request may.
const LATEST: Duration = Duration::from_secs(3);

/// A server that closes the connection does so within this time. A server that was silent for longer is not asked
/// again, because the client waits.
const SOON: Duration = Duration::from_secs(10);

/// The multipart upload of a writer, or the error of the attempt to begin it. Empty before the first attempt.
pub(super) type Begun = OnceCell<std::result::Result<Upload, Error>>;

impl Inner {
    /// Uploads tails and new bytes together as one part. The first part begins the multipart upload. `has_turn` is
    /// notified when the part no longer waits for other parts.
    pub(super) async fn send_part(
        self: Arc<Self>,
        key: ContentKey,
        upload: Arc<Begun>,
        number: u64,
        tails: Vec<Tail>,
        fresh: Piece,
        has_turn: oneshot::Sender<()>,
    ) -> Result<Part> {
        if number > MOST_PARTS {
            let why = format!("{key} has more than {MOST_PARTS} parts");
            return Err(StoreError::damaged(why));
        }
        let object = self.object(&key);
        let turn = self.parts_at_once.acquire().await;
        let _ = has_turn.send(());
        // All parts share this failure. If each part tried again, the client would wait for the sum of the tries.
        let upload = upload.get_or_init(|| self.begin(&object)).await.as_ref();
        let upload = upload.map_err(|error| failed(error.clone()))?;
        let piece = self.together(&tails, fresh).await?;
        let checksum = if upload.has_crc { WholeChecksum::Crc64 } else { WholeChecksum::None };
        let (piece, guard) = aside(move || piece.guard(checksum).map(|guard| (piece, guard))).await?;
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let begun = Instant::now();
        let sent = self.client.upload_part(&object, &upload.id, number, piece.payload(), guard).await;
        drop(turn);
        let crc = match guard {
            Guard::Crc64(crc) => Some(crc),
            Guard::Sha256(_) => None,
        };
        let length = piece.length();
        let etag = match sent {
            Err(error)
                if self.is_over(&error, begun, &object, upload).await
                    && self.may_be_joined(&object).await? =>
            {
                hex::encode(aside(move || piece.md5()).await?)
            }
            sent => sent.map_err(failed_upload)?,
        };
        Ok(Part { etag, length, crc })
    }

    /// Whether a part was not taken because its upload is over. A server that refuses a part may close the
    /// connection before it has read the part. Its answer can be lost then, so the server is asked.
    async fn is_over(&self, error: &Error, begun: Instant, object: &str, upload: &Upload) -> bool {
        if !closed_soon(error, begun) {
            return error.is_no_upload();
        }
        let asked = timeout(LATEST, self.client.is_upload_open(object, &upload.id)).await;
        matches!(asked, Ok(Ok(false)))
    }

    /// Whether a call whose answer was lost may have joined the parts of an object. In this case the client sends
    /// parts again that the upload already had. The tag of the object shows whether they are the same, if it
    /// follows from their MD5s.
    async fn may_be_joined(&self, object: &str) -> Result<bool> {
        Ok(self.abilities.md5_etags && self.client.head_object(object).await.map_err(failed)?.is_some())
    }

    /// Begins a multipart upload. A try that got no answer may have begun an upload that nobody knows. If the
    /// server lists this upload, it is aborted.
    async fn begin(&self, object: &str) -> std::result::Result<Upload, Error> {
        let checksum = self.abilities.whole_checksum();
        let has_crc = checksum == WholeChecksum::Crc64;
        let (begun, mut tried) = (Instant::now(), 0);
        loop {
            tried += 1;
            match self.client.create_multipart_upload(object, checksum).await {
                Ok(id) => {
                    if tried > 1
                        && let Err(error) = self.abort_others(object, Some(&id)).await
                    {
                        tracing::debug!(%error, object, "an upload may stay until it is swept");
                    }
                    return Ok(Upload { id, has_crc });
                }
                Err(error) if tried < TRIES && error.may_pass() && begun.elapsed() < LATEST => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads tails back and appends the new bytes.
    pub(super) async fn together(&self, tails: &[Tail], fresh: Piece) -> Result<Piece> {
        if tails.is_empty() {
            return Ok(fresh);
        }
        let mut all = Piece::new(&self.scratch);
        for tail in tails {
            let gone = || StoreError::damaged(format!("what was staged under {} is gone", tail.key));
            let object = self.client.get_object(&self.object(&tail.key), None).await.map_err(failed)?;
            let mut content = object.filter(|object| object.length == tail.length).ok_or_else(gone)?.content;
            let mut crc = Crc64Hasher::default();
            while let Some(bytes) = content.next().await.map_err(failed)? {
                // Each write is small and usually goes to pages in memory, so it may run in async code.
                all.append(&bytes)?;
                crc.update(&bytes);
            }
            if crc.finish() != tail.crc {
                // The blob's digest is computed from the bytes that arrived. So no other check finds staged bytes
                // that differ.
                let why = format!("what was staged under {} is not what was put there", tail.key);
                return Err(StoreError::damaged(why));
            }
        }
        aside(move || {
            all.append_piece(&fresh)?;
            Ok(all)
        })
        .await
    }

    /// Uploads a piece as an object under a new key. `whole` is the hash of exactly these bytes, if there is one.
    pub(super) async fn put(&self, key: &ContentKey, piece: Piece, whole: Option<Hasher>) -> Result<()> {
        let (piece, guard) = self.guarded(piece, whole).await?;
        self.client.put_object(&self.object(key), piece.payload(), guard).await.map_err(failed)
    }

    /// Uploads the whole content of a session as the object of its key. Another writer of the session may do the
    /// same, and may have other bytes: the first one counts.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the key has other content.
    pub(super) async fn put_whole(&self, key: &ContentKey, piece: Piece, whole: Hasher) -> Result<()> {
        let (piece, guard) = self.guarded(piece, Some(whole)).await?;
        let object = self.object(key);
        if !self.abilities.only_new {
            return self.client.put_object(&object, piece.payload(), guard).await.map_err(failed);
        }
        let begun = Instant::now();
        match self.client.put_new_object(&object, piece.payload(), guard).await {
            Ok(true) => return Ok(()),
            Ok(false) if self.client.head_object(&object).await.map_err(failed)?.is_some() => {}
            Ok(false) => {
                return Err(StoreError::unavailable(format!("{key} is being put by another request")));
            }
            // A server that refuses may close the connection before it has read the object. Its answer can be
            // lost then.
            Err(error) if closed_soon(&error, begun) => {
                let found = timeout(LATEST, self.client.head_object(&object)).await;
                if !matches!(found, Ok(Ok(Some(_)))) {
                    return Err(failed(error));
                }
            }
            Err(error) => return Err(failed(error)),
        }
        // An earlier try may have stored the object, although its answer was lost.
        let found = Tail { key: key.clone(), length: piece.length(), crc: piece.crc() };
        self.together(&[found], Piece::new(&self.scratch)).await.map(drop)
    }

    /// The checksum with which the server checks a piece.
    async fn guarded(&self, piece: Piece, whole: Option<Hasher>) -> Result<(Piece, Guard)> {
        let known = whole.filter(|hasher| hasher.algorithm() == Algorithm::Sha256);
        let known: Option<[u8; 32]> = known.and_then(|hasher| hasher.finish().as_bytes().try_into().ok());
        match known {
            // This is the blob's digest. The server checks the bytes with it.
            Some(hash) => Ok((piece, Guard::Sha256(hash))),
            None => {
                let checksum = self.abilities.whole_checksum();
                aside(move || piece.guard(checksum).map(|guard| (piece, guard))).await
            }
        }
    }
}

/// Whether the server may have closed the connection without an answer. `begun` is the time at which the call
/// began.
fn closed_soon(error: &Error, begun: Instant) -> bool {
    matches!(error, Error::NoAnswer { .. }) && begun.elapsed() < SOON
}
