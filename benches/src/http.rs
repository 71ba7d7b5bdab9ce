//! A minimal HTTP/1.1 client. It shares the processors with the server, so it must cost little.

use std::io::{Read, Write as _};

use anyhow::{Context as _, Result, bail, ensure};

use crate::stream::Stream;
use crate::target::Target;

/// An answer with its body.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// A parsed head, and the facts about the body.
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    /// Bytes of the head in the buffer.
    pub(crate) length: usize,
    /// The value of `Content-Length`. `None` if the body comes in chunks.
    pub(crate) content_length: Option<u64>,
}

/// Parses a head if it is complete.
pub(crate) fn parse(buffer: &[u8], of_head_request: bool) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = response.parse(buffer)? else { return Ok(None) };
    let status = response.code.context("an answer without a status")?;
    let value = |name: &str| {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.and_then(|header| std::str::from_utf8(header.value).ok())
    };
    let empty = of_head_request || status == 204 || status == 304 || status < 200;
    let content_length = match value("content-length") {
        _ if empty => Some(0),
        Some(length) => Some(length.trim().parse()?),
        None if value("transfer-encoding").is_some() => None,
        None => Some(0),
    };
    Ok(Some(Head { status, location: value("location").map(str::to_owned), length, content_length }))
}

/// The path of a `Location`, which may be a whole URL.
pub(crate) fn path_of(location: &str) -> &str {
    match location.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
        None => location,
    }
}

/// `path?digest=...` for the end of an upload. The location of the upload may already have a query.
pub(crate) fn with_digest(location: &str, digest: &str) -> String {
    let path = path_of(location);
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}digest={digest}")
}

/// A connection that blocks, for large bodies.
pub(crate) struct Blocking {
    pub(crate) stream: Stream,
    buffer: Vec<u8>,
}

impl Blocking {
    pub(crate) fn open(target: &Target) -> Result<Self> {
        Ok(Self { stream: Stream::open(target)?, buffer: Vec::new() })
    }

    /// Sends a whole request and reads its answer.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request)?;
        self.answer(request.starts_with(b"HEAD "))
    }

    /// Reads an answer with all of its body.
    pub(crate) fn answer(&mut self, of_head_request: bool) -> Result<Answer> {
        let head = self.head(of_head_request)?;
        let length = head.content_length.context("an answer in chunks")?;
        let mut body = std::mem::take(&mut self.buffer);
        let missing = length.saturating_sub(body.len() as u64);
        (&mut self.stream).take(missing).read_to_end(&mut body)?;
        ensure!(body.len() as u64 == length, "an answer of {} bytes, not {length}", body.len());
        Ok(Answer { status: head.status, location: head.location, body })
    }

    /// Reads a head. Bytes after it are the beginning of the body.
    fn head(&mut self, of_head_request: bool) -> Result<Head> {
        loop {
            if let Some(head) = parse(&self.buffer, of_head_request)? {
                self.buffer.drain(..head.length);
                return Ok(head);
            }
            let mut piece = [0; 8192];
            match self.stream.read(&mut piece)? {
                0 => bail!("the connection was closed"),
                read => self.buffer.extend_from_slice(&piece[..read]),
            }
        }
    }

    /// Reads a large body and discards it. Returns its length.
    pub(crate) fn drain(&mut self) -> Result<(u16, u64)> {
        let head = self.head(false)?;
        let length = head.content_length.context("an answer in chunks")?;
        let mut left = length - std::mem::take(&mut self.buffer).len() as u64;
        let mut piece = vec![0; 512 << 10];
        while left > 0 {
            let wanted = usize::try_from(left.min(piece.len() as u64))?;
            match self.stream.read(&mut piece[..wanted])? {
                0 => bail!("the connection was closed with {left} bytes to come"),
                read => left -= read as u64,
            }
        }
        Ok((head.status, length))
    }
}

/// Fails if an answer has an unexpected status.
pub(crate) fn expect(answer: &Answer, status: u16, what: &str) -> Result<()> {
    let body = String::from_utf8_lossy(&answer.body);
    ensure!(answer.status == status, "{what} was answered {}, not {status}: {body}", answer.status);
    Ok(())
}
