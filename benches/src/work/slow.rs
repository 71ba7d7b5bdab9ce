//! Several layers at once from slow senders, as a container engine pushes an image: it compresses each layer while it
//! sends it, in many small pieces, and does not know the length beforehand.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures_util::TryStreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant as Moment, sleep_until};

use super::{Scale, repository};
use crate::content::{RandomFile, random};
use crate::digest::sha256;
use crate::http::{path_of, with_digest};
use crate::load::Connection;
use crate::meter::{Meter, Outcome};
use crate::target::Target;

/// Layers that are sent at once: the default of Docker's engine.
const SENDERS: usize = 5;

/// The bytes of a piece: the buffer with which Docker's engine copies a layer.
const PIECE: usize = 32 << 10;

/// The time from one piece of a layer to the next. Five senders reach 53 MB/s at the most, about what an engine
/// compresses.
const PACE: Duration = Duration::from_millis(3);

pub(super) fn push(target: &Target, scale: &Scale, _: &RandomFile) -> Result<Option<Outcome>> {
    let repository = repository("slow")?;
    let size = scale.slow / SENDERS;
    let layers = (0..SENDERS).map(|_| random(size)).collect::<Result<Vec<_>>>()?;
    let layers: Vec<_> = layers.into_iter().map(|bytes| (sha256(&bytes), bytes)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connections = Vec::new();
        for _ in 0..SENDERS {
            connections.push(Connection::open(target).await?);
        }
        let ends = RefCell::new(Vec::new());
        let meter = Meter::start(target);
        let running: FuturesUnordered<_> = connections
            .into_iter()
            .zip(&layers)
            .map(async |(mut connection, (digest, bytes))| {
                let end = send(target, &mut connection, &repository, digest, bytes).await?;
                ends.borrow_mut().push(end);
                Ok::<_, anyhow::Error>(())
            })
            .collect();
        running.try_collect::<()>().await?;
        Ok(Some(meter.stop(ends.take(), (size * SENDERS) as u64).of_bytes()))
    })
}

/// Sends one layer. Returns the time from its last piece to the last answer.
async fn send(
    target: &Target,
    connection: &mut Connection,
    repository: &str,
    digest: &str,
    bytes: &[u8],
) -> Result<Duration> {
    let start = format!("/v2/{repository}/blobs/uploads/");
    let answer = connection.ask(&target.head("POST", &start, "Content-Length: 0\r\n"), 202).await?;
    let location = path_of(answer.location.as_deref().context("an upload without a location")?).to_owned();
    let headers = "Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n";
    connection.send(&target.head("PATCH", &location, headers)).await?;
    let mut next = Moment::now();
    let mut chunk = Vec::with_capacity(PIECE + 16);
    for piece in bytes.chunks(PIECE) {
        sleep_until(next).await;
        next += PACE;
        chunk.clear();
        chunk.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunk.extend_from_slice(piece);
        chunk.extend_from_slice(b"\r\n");
        connection.send(&chunk).await?;
    }
    let sent = Instant::now();
    connection.send(b"0\r\n\r\n").await?;
    let answer = connection.answer(202).await?;
    let location = answer.location.as_deref().unwrap_or(&location);
    let end = target.head("PUT", &with_digest(location, digest), "Content-Length: 0\r\n");
    connection.ask(&end, 201).await?;
    Ok(sent.elapsed())
}
