//! One blob's way up: in chunks on a session, and after a cut from where the registry says it stands.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use bytes::Bytes;
use futures_util::stream;
use gangplank_oci::{ContentRange, Digest, location};
use http_body_util::StreamBody;
use reqwest::{Body, RequestBuilder, Response, Url};

use super::content::Content;
use super::image::Blob;
use super::progress::{Progress, Step};
use super::registry::{ATTEMPTS, Fault, Registry};
use crate::retry;

/// What a server that crashes may have to be sent again.
const CHUNK: u64 = 32 * 1024 * 1024;
/// How much is read and sent at a time.
const PIECE: usize = 256 * 1024;
/// How long nothing may move.
const STALL: Duration = Duration::from_mins(2);

/// Sends a blob unless it is there.
pub(super) async fn upload(registry: &Registry, blob: &Blob, progress: &Arc<Progress>) -> Result<()> {
    let named = || format!("the blob {}", blob.digest);
    let step = Arc::new(progress.begin_blob(&blob.digest, blob.content.size()));
    let outcome = async {
        if registry.has(&blob.digest).await.map_err(Fault::into_error)? {
            return Ok("already there");
        }
        send(registry, blob, &step).await.map(|()| "pushed")
    };
    let outcome = outcome.await.with_context(named)?;
    step.end(outcome);
    Ok(())
}

async fn send(registry: &Registry, blob: &Blob, step: &Arc<Step>) -> Result<()> {
    let mut upload = Upload { registry, blob, step, session: None, offset: 0, in_chunks: true };
    let sent = upload.run().await;
    if sent.is_err()
        && let Some(session) = &upload.session
    {
        // It would end by itself; nobody waits for this.
        let _ = registry.send(registry.http.delete(session.clone()), session).await;
    }
    sent
}

struct Upload<'p> {
    registry: &'p Registry,
    blob: &'p Blob,
    step: &'p Arc<Step>,
    session: Option<Url>,
    offset: u64,
    /// Whether the registry takes a blob in several requests.
    in_chunks: bool,
}

impl Upload<'_> {
    async fn run(&mut self) -> Result<()> {
        let mut failures = 0;
        loop {
            let before = self.offset;
            let fault = match self.step().await {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    // That a session was opened is no progress: some registries open them and take nothing.
                    if self.offset > before {
                        failures = 0;
                    }
                    continue;
                }
                Err(fault) => fault,
            };
            let (why, after) = match fault {
                Fault::Passing { why, after } => (why, after),
                Fault::Refused { status: 404 | 416, why } if self.session.is_some() => (why, None),
                // Some registries take a blob in one request only.
                Fault::Refused { status: 400 | 405 | 411 | 413, .. } if self.is_sending_chunks() => {
                    self.in_chunks = false;
                    self.forget();
                    continue;
                }
                fault => return Err(self.explained(fault).await),
            };
            failures += 1;
            if failures >= ATTEMPTS {
                bail!("gave up after {ATTEMPTS} attempts that got no further: {why}");
            }
            tokio::time::sleep(after.unwrap_or_else(|| retry::pause(failures))).await;
            if self.find_out().await? {
                return Ok(());
            }
            if self.offset > before {
                failures = 0;
            }
        }
    }

    /// Whether the next request has a part of the blob that is not the whole.
    fn is_sending_chunks(&self) -> bool {
        let size = self.blob.content.size();
        self.in_chunks && self.session.is_some() && size > CHUNK && self.offset < size
    }

    /// Does the next thing; true if it was the last.
    async fn step(&mut self) -> Result<bool, Fault> {
        let Some(session) = self.session.clone() else {
            let url = self.registry.url(&location::upload(&self.registry.repository, ""))?;
            // An empty body has a length, which some registries insist on.
            let post = self.registry.http.post(url.clone()).body(Bytes::new());
            let answer = self.registry.send(post, &url).await?;
            expect(&answer, &[202])?;
            self.session = Some(self.next(&answer, &url)?);
            return Ok(false);
        };
        let size = self.blob.content.size();
        let whole = self.offset == 0 && size <= CHUNK && self.in_chunks;
        if self.offset == size || whole {
            let mut url = session.clone();
            url.query_pairs_mut().append_pair("digest", &self.blob.digest.to_string());
            let put = self.registry.http.put(url.clone());
            let answer = if whole {
                self.send_part(put.header("content-type", "application/octet-stream"), &url, size).await?
            } else {
                self.registry.send(put.body(Bytes::new()), &url).await?
            };
            expect(&answer, &[201, 204])?;
            return Ok(true);
        }
        let end = if self.in_chunks { size.min(self.offset + CHUNK) } else { size };
        let mut patch = self.registry.http.patch(session.clone());
        patch = patch.header("content-type", "application/octet-stream");
        if self.in_chunks {
            let range = ContentRange { first: self.offset, last: end - 1 };
            patch = patch.header("content-range", range.to_string());
        }
        let answer = self.send_part(patch, &session, end).await?;
        expect(&answer, &[202, 204, 201])?;
        self.session = Some(self.next(&answer, &session)?);
        self.offset = received(&answer).filter(|at| *at <= end).unwrap_or(end);
        Ok(false)
    }

    /// Sends the bytes from the offset up to `end`.
    async fn send_part(&self, request: RequestBuilder, url: &Url, end: u64) -> Result<Response, Fault> {
        let failed = Arc::new(Mutex::new(None));
        let moved = Arc::new(AtomicU64::new(0));
        let body = Part {
            content: self.blob.content.clone(),
            at: self.offset,
            end,
            step: Arc::clone(self.step),
            failed: Arc::clone(&failed),
            moved: Arc::clone(&moved),
        };
        let request = request.header("content-length", end - self.offset).body(body.into_body());
        let stalled = async {
            let mut last = 0;
            loop {
                tokio::time::sleep(STALL).await;
                let now = moved.load(Ordering::Relaxed);
                if now == last {
                    return;
                }
                last = now;
            }
        };
        let answer = tokio::select! {
            answer = self.registry.send(request, url) => answer,
            () = stalled => Err(Fault::passing(format!("nothing moved for {} s", STALL.as_secs()))),
        };
        let failed = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        match failed {
            Some(error) => Err(Fault::Hopeless(anyhow::Error::new(error).context("cannot be read"))),
            None => answer,
        }
    }

    /// Asks where the upload stands, after something went wrong; true if it is done.
    async fn find_out(&mut self) -> Result<bool> {
        if let Some(session) = self.session.clone() {
            match self.registry.ask(&session, |url| self.registry.http.get(url)).await {
                Ok(answer) if matches!(answer.status().as_u16(), 200 | 202 | 204) => {
                    // `0-0` is one byte or none: the little there is is sent again.
                    if let Some(received) = received(&answer).filter(|received| *received > 1)
                        && received <= self.blob.content.size()
                        && self.in_chunks
                    {
                        self.session = Some(self.next(&answer, &session).map_err(Fault::into_error)?);
                        self.offset = received;
                        return Ok(false);
                    }
                }
                Err(fault @ Fault::Hopeless(_)) => return Err(fault.into_error()),
                // Gone, or the registry cannot tell.
                _ => {}
            }
        }
        self.forget();
        // The answer to the last request may have been what was lost.
        self.registry.has(&self.blob.digest).await.map_err(Fault::into_error)
    }

    fn forget(&mut self) {
        self.session = None;
        self.offset = 0;
    }

    /// Where the session goes on.
    fn next(&self, answer: &Response, here: &Url) -> Result<Url, Fault> {
        let location = answer.headers().get("location").and_then(|location| location.to_str().ok());
        match location {
            Some(location) => self.registry.url(location),
            None if self.session.is_some() => Ok(here.clone()),
            None => Err(Fault::Hopeless(anyhow!("the registry opened an upload and did not say where"))),
        }
    }

    /// A refusal; the registry may be right that the bytes are not what their digest says.
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

/// How many bytes the registry says it has.
fn received(answer: &Response) -> Option<u64> {
    let range = answer.headers().get("range")?.to_str().ok()?;
    ContentRange::parse(range).ok().filter(|range| range.first == 0).map(|range| range.last + 1)
}

/// A part of a blob on its way.
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
