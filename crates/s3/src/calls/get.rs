//! `GetObject`: streams the bytes of an object, also to a slow reader.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use hyper::Method;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_RANGE, IF_MATCH, RANGE};
use tokio::time::Instant;

use crate::calls::etag;
use crate::client::{Answer, Client};
use crate::error::{Error, Result};
use crate::request::Call;
use crate::tries;

const NAME: &str = "GetObject";

/// How often in a row a broken body is requested again, at least, even if no new byte arrives.
const FRUITLESS: u32 = 3;

/// An object to be read.
pub struct Object {
    /// The length of the whole object in bytes.
    pub length: u64,
    /// The requested bytes.
    pub content: Content,
}

/// The bytes of an object. If the connection breaks, another one continues behind the last byte, but only if
/// the object is still the same. Some servers close a connection that was not read for a while.
pub struct Content {
    client: Client,
    key: String,
    etag: String,
    body: Option<Incoming>,
    /// The bytes that are still to come.
    left: Range<u64>,
    /// The longest silence of the server while a reader waits.
    patience: Duration,
}

/// An answer that has the requested bytes.
struct Opened {
    body: Incoming,
    found: Range<u64>,
    /// The length of the whole object.
    length: u64,
    etag: String,
}

impl Client {
    /// Opens an object to read all of it, or a range; `None` if there is no object.
    ///
    /// # Errors
    /// If the server refuses, does not answer, or answers with another range.
    pub async fn get_object(&self, key: &str, range: Option<Range<u64>>) -> Result<Option<Object>> {
        let opened = match self.open(key, range.as_ref(), None).await {
            // A proxy before the server may answer 404 too, but without this code.
            Err(error) if error.is_code(&["NoSuchKey"]) => return Ok(None),
            opened => opened?,
        };
        let Opened { body, found, length, etag } = opened;
        let (key, patience) = (key.to_owned(), self.deadlines().first);
        let content = Content { client: self.clone(), key, etag, body: Some(body), left: found, patience };
        Ok(Some(Object { length, content }))
    }

    /// Asks for an object, and asks again if the answer is not the one that was asked for.
    async fn open(&self, key: &str, range: Option<&Range<u64>>, etag: Option<&str>) -> Result<Opened> {
        self.head_of(&call(key, range, etag), |answer| Opened::read(answer, range)).await
    }
}

impl Opened {
    fn read(answer: Answer, range: Option<&Range<u64>>) -> Result<Self> {
        let (found, length) = extent(&answer)?;
        if let Some(range) = range
            && (range.start != found.start || found.end != range.end.min(length))
        {
            let why = "it has another range than was asked for".to_owned();
            return Err(Error::NotS3 { call: NAME, why });
        }
        Ok(Self { found, length, etag: etag(NAME, &answer.headers)?, body: answer.body })
    }
}

impl Content {
    /// How many bytes are still to come.
    pub fn left(&self) -> u64 {
        self.left.end - self.left.start
    }

    /// Reads the next bytes; `None` after the last.
    ///
    /// # Errors
    /// If the rest cannot be read.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        let begun = Instant::now();
        let mut fruitless = 0;
        loop {
            if self.left.is_empty() {
                // Drop the body, so that its connection can be used again.
                self.body = None;
                return Ok(None);
            }
            let error = match self.piece().await {
                Ok(Some(piece)) => return Ok(Some(piece)),
                Ok(None) => Error::NotS3 { call: NAME, why: "it ends too early".to_owned() },
                Err(error) => error,
            };
            fruitless += 1;
            // A silent connection is probably dead. But a server may be slow, and gets more time after each try.
            self.patience = (self.patience * 2).min(self.client.deadlines().piece);
            let has_time = fruitless < FRUITLESS || begun.elapsed() < self.client.deadlines().resume;
            if !error.may_pass() || !has_time {
                return Err(error);
            }
            tracing::debug!(%error, left = self.left(), "goes on reading an object over another connection");
            if fruitless > 1 {
                tokio::time::sleep(tries::pause(fruitless)).await;
            }
        }
    }

    /// Reads the next bytes that are not empty; `None` if the body ends.
    async fn piece(&mut self) -> Result<Option<Bytes>> {
        let mut body = match self.body.take() {
            Some(body) => body,
            None => self.client.open(&self.key, Some(&self.left), Some(&self.etag)).await?.body,
        };
        while let Some(mut piece) = self.client.next_piece(NAME, &mut body, self.patience).await? {
            piece.truncate(usize::try_from(self.left()).unwrap_or(usize::MAX));
            if !piece.is_empty() {
                self.left.start += piece.len() as u64;
                self.body = Some(body);
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// Turns this into a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Send {
        futures_util::stream::try_unfold(self, |mut content| async move {
            Ok(content.next().await?.map(|piece| (piece, content)))
        })
    }

    /// Reads all bytes that are left, for objects that are known to be small.
    ///
    /// # Errors
    /// If the bytes cannot be read, or are more than `longest`.
    pub async fn whole(mut self, longest: usize) -> Result<Vec<u8>> {
        let mut read = Vec::new();
        while let Some(piece) = self.next().await? {
            if read.len() + piece.len() > longest {
                return Err(Error::NotS3 { call: NAME, why: format!("it has more than {longest} bytes") });
            }
            read.extend_from_slice(&piece);
        }
        Ok(read)
    }
}

fn call(key: &str, range: Option<&Range<u64>>, etag: Option<&str>) -> Call {
    let mut call = Call::new(NAME, Method::GET, key);
    if let Some(range) = range {
        call = call.header(RANGE.as_str(), format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
    }
    match etag {
        Some(etag) => call.header(IF_MATCH.as_str(), etag),
        None => call,
    }
}

/// The range of bytes in an answer, and the length of the whole object.
fn extent(answer: &Answer) -> Result<(Range<u64>, u64)> {
    let header =
        |name| answer.headers.get(name).and_then(|value: &hyper::header::HeaderValue| value.to_str().ok());
    let found = match header(CONTENT_RANGE) {
        Some(text) => content_range(text),
        None => {
            header(CONTENT_LENGTH).and_then(|length| length.parse().ok()).map(|length| (0..length, length))
        }
    };
    found.ok_or_else(|| Error::NotS3 { call: NAME, why: "it does not say which bytes it has".to_owned() })
}

/// Parses `bytes 0-4/10`.
fn content_range(text: &str) -> Option<(Range<u64>, u64)> {
    let (range, length) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, length): (u64, u64, u64) =
        (first.parse().ok()?, last.parse().ok()?, length.parse().ok()?);
    (first <= last && last < length).then(|| (first..last + 1, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_read() {
        assert_eq!(content_range("bytes 2-4/10"), Some((2..5, 10)));
        for bad in ["bytes 2-4/*", "bytes 4-2/10", "bytes 2-10/10", "2-4/10", "bytes */10", ""] {
            assert_eq!(content_range(bad), None, "{bad}");
        }
    }
}
