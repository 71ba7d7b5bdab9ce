//! Many small blobs, pushed as a client does: a session and a PUT for each.

use anyhow::{Context as _, Result};

use super::{Scale, repository};
use crate::content::{RandomFile, random};
use crate::digest::sha256;
use crate::http::with_digest;
use crate::load::{Connection, Operation, drive};
use crate::meter::{Meter, Outcome};
use crate::target::Target;

const SIZE: usize = 4 << 10;
const MEDIUM: usize = 4 << 20;

pub(super) fn push(target: &Target, scale: &Scale, _: &RandomFile) -> Result<Option<Outcome>> {
    Ok(Some(blobs(target, &repository("small")?, scale.blobs, scale.connections)?))
}

/// Pushes as many bytes as the large blob has, in blobs of 4 MiB, one after the other.
pub(super) fn medium(target: &Target, scale: &Scale, _: &RandomFile) -> Result<Option<Outcome>> {
    let count = usize::try_from(scale.large)? / MEDIUM;
    Ok(Some(of_size(target, &repository("medium")?, count, MEDIUM, 1)?.of_bytes()))
}

/// Pushes blobs of 4 KiB to a repository.
pub(crate) fn blobs(target: &Target, repository: &str, count: usize, connections: usize) -> Result<Outcome> {
    of_size(target, repository, count, SIZE, connections)
}

fn of_size(
    target: &Target,
    repository: &str,
    count: usize,
    size: usize,
    connections: usize,
) -> Result<Outcome> {
    let mut blobs = Vec::new();
    for _ in 0..count {
        let bytes = random(size)?;
        blobs.push((sha256(&bytes), bytes));
    }
    let start = format!("/v2/{repository}/blobs/uploads/");
    let start = target.head("POST", &start, "Content-Length: 0\r\n");
    let push = Push { target, start, blobs };
    let (meter, latencies) = drive(target, connections, count, &push, || Meter::start(target))?;
    Ok(meter.stop(latencies, (count * size) as u64))
}

struct Push<'a> {
    target: &'a Target,
    start: Vec<u8>,
    blobs: Vec<(String, Vec<u8>)>,
}

impl Operation for Push<'_> {
    async fn run(&self, connection: &mut Connection, number: usize) -> Result<()> {
        let (digest, bytes) = &self.blobs[number];
        let answer = connection.ask(&self.start, 202).await?;
        let location = answer.location.as_deref().context("an upload without a location")?;
        let headers =
            format!("Content-Type: application/octet-stream\r\nContent-Length: {}\r\n", bytes.len());
        let mut request = self.target.head("PUT", &with_digest(location, digest), &headers);
        request.extend_from_slice(bytes);
        connection.ask(&request, 201).await.map(drop)
    }
}
