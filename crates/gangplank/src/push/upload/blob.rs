//! Uploads one blob: in chunks of one upload session. After an interruption it continues where the registry says.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use futures_util::stream;
use gangplank_oci::{ContentRange, Digest, location};
use http_body_util::StreamBody;
use reqwest::{Body, RequestBuilder, Response, Url};

use super::registry::{Fault, Passing, Registry};
use super::tries::Tries;
use crate::http::answers;
use crate::push::layers::staging;
use crate::push::progress::{Progress, Step};
use crate::push::source::content::Content;
use crate::push::source::image::Blob;

/// The size of a chunk, in bytes. If the server crashes, up to this much has to be sent again.
const CHUNK: u64 = 32 * 1024 * 1024;
/// How much is read and sent at a time, in bytes.
const PIECE: usize = 256 * 1024;
/// Uploads a blob, unless the registry has it.
pub(crate) async fn upload(registry: &Registry, blob: &Blob, progress: &Arc<Progress>) -> Result<()> {
    let named = || format!("the blob {}", blob.digest);
    let step = Arc::new(progress.begin_blob(&blob.digest, blob.content.size()));
    let outcome = async {
        if registry.has(&blob.digest, &step).await.map_err(Fault::into_error)? {
            return Ok("already there");
        }
        let checked = blob.clone();
        tokio::task::spawn_blocking(move || staging::check(&checked)).await??;
        send(registry, blob, &step).await.map(|()| "pushed")
    };
    let outcome = outcome.await.with_context(named)?;
    step.end(outcome);
    Ok(())
}

async fn send(registry: &Registry, blob: &Blob, step: &Arc<Step>) -> Result<()> {
    let mut upload =
        Upload { registry, blob, step, session: None, offset: 0, furthest: 0, tried: 0, in_chunks: true };
    let sent = upload.run().await;
    if sent.is_err()
        && let Some(session) = &upload.session
    {
        // The session would end by itself, so nobody waits for the answer.
        let delete = registry.http.delete(session.clone());
        let _ = registry.send(delete, session, answers::CONNECT).await;
    }
    sent
}

/// The effect of a request.
enum Done {
    /// A session was opened.
    Opened,
    /// A part of the bytes was sent.
    Sent,
    /// The blob is complete.
    All,
}

struct Upload<'p> {
    registry: &'p Registry,
    blob: &'p Blob,
    step: &'p Arc<Step>,
    session: Option<Url>,
    offset: u64,
    /// The furthest offset that was reached so far.
    furthest: u64,
    /// The bytes that were sent since then.
    tried: u64,
    /// Whether the registry accepts a blob in several requests.
    in_chunks: bool,
}

impl Upload<'_> {
    async fn run(&mut self) -> Result<()> {
        let mut tries = Tries::default();
        loop {
            let fault = match self.step().await {
                Ok(Done::All) => return Ok(()),
                // Opening a session is no progress: some registries open sessions and accept no bytes.
                Ok(Done::Opened) => continue,
                Ok(Done::Sent) if self.got_further() => {
                    tries.got_further();
                    continue;
                }
                Ok(Done::Sent) => Passing {
                    what: "the registry took next to nothing of what was sent".to_owned(),
                    why: "the registry took next to nothing of what was sent".to_owned(),
                    // The registry answered, so its `Retry-After` counts.
                    after: Some(Duration::from_secs(1)),
                    is_answered: true,
                    is_slow: false,
                },
                Err(Fault::Passing(fault)) => fault,
                Err(Fault::Refused { status: status @ (404 | 416), why }) if self.session.is_some() => {
                    let what = format!("the registry answered {status}");
                    Passing {
                        why: format!("{what}: {why}"),
                        what,
                        after: None,
                        is_answered: true,
                        is_slow: false,
                    }
                }
                // Some registries accept a blob in one request only.
                Err(Fault::Refused { status: 400 | 405 | 411 | 413, .. }) if self.is_sending_chunks() => {
                    self.in_chunks = false;
                    self.forget();
                    continue;
                }
                Err(fault) => return Err(self.explained(fault).await),
            };
            let pause = tries.failed(&fault)?;
            self.step.pause(&fault.what, pause).await;
            if self.find_out().await? {
                return Ok(());
            }
            if self.got_further() {
                tries.got_further();
            }
        }
    }

    /// Whether the upload got further than ever before, and by a fair part of the bytes sent since. Otherwise a
    /// registry that keeps one byte of each chunk could make it continue for ever.
    fn got_further(&mut self) -> bool {
        let further = self.offset.saturating_sub(self.furthest);
        if further == 0 || further < self.tried / 8 {
            return false;
        }
        (self.furthest, self.tried) = (self.offset, 0);
        true
    }

    /// Whether the next request sends only a part of the blob.
    fn is_sending_chunks(&self) -> bool {
        let size = self.blob.content.size();
        self.in_chunks && self.session.is_some() && size > CHUNK && self.offset < size
    }

    /// Makes the next request.
    async fn step(&mut self) -> Result<Done, Fault> {
        let Some(session) = self.session.clone() else {
            let url = self.registry.url(&location::upload(&self.registry.repository, ""))?;
            // Some registries insist on a `Content-Length` for an empty body.
            let post = self.registry.http.post(url.clone()).body(Bytes::new());
            let answer = self.registry.send(post, &url, answers::FIRST_BYTE).await?;
            expect(&answer, &[202])?;
            self.session = Some(self.next(&answer, &url)?);
            return Ok(Done::Opened);
        };
        let size = self.blob.content.size();
        let whole = self.offset == 0 && size <= CHUNK && self.in_chunks;
        if self.offset == size || whole {
            let mut url = session.clone();
            url.query_pairs_mut().append_pair("digest", &self.blob.digest.to_string());
            let put = self.registry.http.put(url.clone());
            let answer = if whole {
                let put = put.header("content-type", "application/octet-stream");
                self.send_part(put, &url, size, answers::FIRST_BYTE_AFTER_WORK).await?
            } else {
                self.registry.send(put.body(Bytes::new()), &url, answers::FIRST_BYTE_AFTER_WORK).await?
            };
            expect(&answer, &[201, 204])?;
            return Ok(Done::All);
        }
        let end = if self.in_chunks { size.min(self.offset + CHUNK) } else { size };
        let mut patch = self.registry.http.patch(session.clone());
        patch = patch.header("content-type", "application/octet-stream");
        if self.in_chunks {
            let range = ContentRange { first: self.offset, last: end - 1 };
            patch = patch.header("content-range", range.to_string());
        }
        let answer = self.send_part(patch, &session, end, answers::FIRST_BYTE).await?;
        expect(&answer, &[202, 204, 201])?;
        self.session = Some(self.next(&answer, &session)?);
        self.offset = received(&answer).filter(|at| *at <= end).unwrap_or(end);
        Ok(Done::Sent)
    }

    /// Sends the bytes from the current offset up to `end`. After the last byte it waits at most this long for the
    /// answer.
    async fn send_part(
        &mut self,
        request: RequestBuilder,
        url: &Url,
        end: u64,
        patience: Duration,
    ) -> Result<Response, Fault> {
        let failed = Arc::new(Mutex::new(None));
        let moved = Arc::new(AtomicU64::new(0));
        let length = end - self.offset;
        let body = Part {
            content: self.blob.content.clone(),
            at: self.offset,
            end,
            step: Arc::clone(self.step),
            failed: Arc::clone(&failed),
            moved: Arc::clone(&moved),
        };
        let request = request.header("content-length", length).body(body.into_body());
        let answer = tokio::select! {
            answer = self.registry.send(request, url, Duration::MAX) => answer,
            fault = stalled(&moved, length, patience) => Err(fault),
        };
        self.tried += moved.load(Ordering::Relaxed);
        let failed = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        match failed {
            Some(error) => Err(Fault::Hopeless(anyhow::Error::new(error).context("cannot be read"))),
            None => answer,
        }
    }

    /// Asks for the offset after an error. Returns true if the upload is complete.
    async fn find_out(&mut self) -> Result<bool> {
        if let Some(session) = self.session.clone() {
            match self.registry.ask(&session, self.step, |url| self.registry.http.get(url)).await {
                Ok(answer) if matches!(answer.status().as_u16(), 200 | 202 | 204) => {
                    // `0-0` means one byte or none, so that byte is sent again.
                    if let Some(received) = received(&answer).filter(|received| *received > 1)
                        && received <= self.blob.content.size()
                        && self.in_chunks
                    {
                        self.session = Some(self.next(&answer, &session).map_err(Fault::into_error)?);
                        self.offset = received;
                        return Ok(false);
                    }
                }
                Err(fault @ (Fault::Hopeless(_) | Fault::Passing(Passing { is_answered: false, .. }))) => {
                    return Err(fault.into_error());
                }
                // The session is gone, or the registry cannot say.
                _ => {}
            }
        }
        self.forget();
        // The last request may have succeeded, and only its answer was lost.
        self.registry.has(&self.blob.digest, self.step).await.map_err(Fault::into_error)
    }

    fn forget(&mut self) {
        self.session = None;
        self.offset = 0;
    }

    /// The URL where the session continues.
    fn next(&self, answer: &Response, here: &Url) -> Result<Url, Fault> {
        let location = answer.headers().get("location").and_then(|location| location.to_str().ok());
        match location {
            Some(location) => self.registry.url(location),
            None if self.session.is_some() => Ok(here.clone()),
            None => Err(Fault::Hopeless(anyhow!("the registry opened an upload and did not say where"))),
        }
    }

    /// Explains a refusal. The blob's file may have changed, so its digest is checked.
    async fn explained(&self, fault: Fault) -> anyhow::Error {
        let (content, digest) = (self.blob.content.clone(), self.blob.digest);
        if matches!(fault, Fault::Refused { status: 400, .. }) {
            let found = tokio::task::spawn_blocking(move || hash(&content, &digest)).await;
            if let Ok(Ok(found)) = found
                && found != self.blob.digest
            {
                return anyhow!("is damaged at its source: its bytes have the digest {found}");
            }
        }
        fault.into_error()
    }
}

/// Ends when the upload stands still: bytes are left and none is sent, or no answer comes after the last byte.
async fn stalled(moved: &AtomicU64, length: u64, patience: Duration) -> Fault {
    let (mut last, mut since) = (0, Instant::now());
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = moved.load(Ordering::Relaxed);
        if now != last {
            (last, since) = (now, Instant::now());
        }
        let patience = if now == length { patience } else { answers::BETWEEN };
        if since.elapsed() >= patience {
            return Fault::slow(format!("nothing moved for {} s", patience.as_secs()));
        }
    }
}

fn hash(content: &Content, digest: &Digest) -> io::Result<Digest> {
    let mut hasher = gangplank_oci::Hasher::new(digest.algorithm());
    hasher.read_from(content.reader())?;
    Ok(hasher.finish())
}

fn expect(answer: &Response, statuses: &[u16]) -> Result<(), Fault> {
    let status = answer.status().as_u16();
    if statuses.contains(&status) {
        return Ok(());
    }
    Err(Fault::Refused { status, why: "which was not expected".to_owned() })
}

/// The number of bytes that the registry says it has.
fn received(answer: &Response) -> Option<u64> {
    let range = answer.headers().get("range")?.to_str().ok()?;
    ContentRange::parse(range).ok().filter(|range| range.first == 0).map(|range| range.last + 1)
}

/// A part of a blob that is being sent.
struct Part {
    content: Content,
    at: u64,
    end: u64,
    step: Arc<Step>,
    failed: Arc<Mutex<Option<io::Error>>>,
    moved: Arc<AtomicU64>,
}

impl Part {
    fn into_body(self) -> Body {
        let pieces = stream::unfold(self, |mut part| async move {
            let left = usize::try_from(part.end - part.at).map_or(PIECE, |left| left.min(PIECE));
            if left == 0 {
                return None;
            }
            let (content, at) = (part.content.clone(), part.at);
            let read = tokio::task::spawn_blocking(move || content.read_at(at, left)).await;
            match read.unwrap_or_else(|error| Err(io::Error::other(error))) {
                Ok(piece) => {
                    let length = piece.len() as u64;
                    part.step.sending(part.at, length);
                    part.at += length;
                    part.moved.fetch_add(length, Ordering::Relaxed);
                    Some((Ok(hyper::body::Frame::data(piece)), part))
                }
                Err(error) => {
                    let told = io::Error::new(error.kind(), error.to_string());
                    *part.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    part.at = part.end;
                    Some((Err(told), part))
                }
            }
        });
        Body::wrap(StreamBody::new(pieces))
    }
}
