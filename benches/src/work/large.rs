//! A large blob, pushed in three ways that clients use.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::time::Instant;

use anyhow::Result;

use super::{Scale, open_session, repository};
use crate::content::RandomFile;
use crate::http::{Blocking, expect, path_of, with_digest};
use crate::meter::{Meter, Outcome};
use crate::target::Target;

const CHUNK: u64 = 16 << 20;

pub(super) fn one_put(target: &Target, _: &Scale, file: &RandomFile) -> Result<Option<Outcome>> {
    push(target, file, None)
}

pub(super) fn one_patch(target: &Target, _: &Scale, file: &RandomFile) -> Result<Option<Outcome>> {
    push(target, file, Some(file.size))
}

pub(super) fn chunks(target: &Target, _: &Scale, file: &RandomFile) -> Result<Option<Outcome>> {
    push(target, file, Some(CHUNK))
}

/// Pushes in chunks of this size, or in the single request that ends the upload.
fn push(target: &Target, file: &RandomFile, chunk: Option<u64>) -> Result<Option<Outcome>> {
    let repository = repository("large")?;
    let digest = file.digest()?.to_owned();
    let mut connection = Blocking::open(target)?;
    let mut body = file.open()?;
    file.warm_memory()?;
    let meter = Meter::start(target);
    let start = Instant::now();
    let mut location = open_session(target, &mut connection, &repository)?;
    let mut sent = 0;
    while let Some(chunk) = chunk.filter(|_| sent < file.size) {
        let length = chunk.min(file.size - sent);
        // For a single piece, a client need not give the range.
        let range = format!("Content-Range: {sent}-{}\r\n", sent + length - 1);
        let range = if length == file.size { "" } else { &range };
        let headers =
            format!("{range}Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n");
        connection.stream.write_all(&target.head("PATCH", &location, &headers))?;
        body.seek(SeekFrom::Start(sent))?;
        connection.stream.send_file((&body).take(length))?;
        let answer = connection.answer(false)?;
        expect(&answer, 202, "PATCH")?;
        path_of(answer.location.as_deref().unwrap_or_default()).clone_into(&mut location);
        sent += length;
    }
    let rest = file.size - sent;
    let headers = format!("Content-Type: application/octet-stream\r\nContent-Length: {rest}\r\n");
    connection.stream.write_all(&target.head("PUT", &with_digest(&location, &digest), &headers))?;
    if rest > 0 {
        connection.stream.send_file((&body).take(rest))?;
    }
    expect(&connection.answer(false)?, 201, "PUT")?;
    Ok(Some(meter.stop(vec![start.elapsed()], file.size)))
}
