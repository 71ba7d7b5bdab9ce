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
const CONNECTIONS: usize = 16;

pub(super) fn push(target: &Target, scale: &Scale, _: &RandomFile) -> Result<Option<Outcome>> {
    Ok(Some(blobs(target, &repository("small")?, scale.blobs)?))
}

/// Pushes blobs to a repository.
pub(crate) fn blobs(target: &Target, repository: &str, count: usize) -> Result<Outcome> {
    let mut blobs = Vec::new();
    for _ in 0..count {
        let bytes = random(SIZE)?;
        blobs.push((sha256(&bytes), bytes));
    }
    let start = format!("/v2/{repository}/blobs/uploads/");
    let start = target.head("POST", &start, "Content-Length: 0\r\n");
    let push = Push { target, start, blobs };
    let (meter, latencies) = drive(target, CONNECTIONS, count, &push, || Meter::start(target))?;
    Ok(meter.stop(latencies, (count * SIZE) as u64))
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
