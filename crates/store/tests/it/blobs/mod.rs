//! The contract of stores of bytes.

mod content;
mod folder;
mod memory;
mod resuming;
mod s3;
mod staging;
mod sweeping;

use std::ops::Range;

use futures_util::TryStreamExt as _;
use gangplank_oci::Algorithm;
use gangplank_store::StoreError;
use gangplank_store::blobs::{BlobStore, BlobWriter, Checkpoint, ContentKey, Read, Reading};

/// The checkpoint of new content.
fn beginning() -> Checkpoint {
    Checkpoint::beginning(Algorithm::Sha256)
}

/// A writer that has received `bytes`, called in the order in which a server calls it.
async fn writer(
    blobs: &dyn BlobStore,
    key: &ContentKey,
    from: &Checkpoint,
    bytes: &[u8],
) -> gangplank_store::Result<Box<dyn BlobWriter>> {
    let mut writer = blobs.writer(key, from)?;
    for piece in bytes.chunks(10.max(bytes.len() / 100)) {
        writer.ready().await?;
        writer.write(piece)?;
    }
    Ok(writer)
}

/// Content that is a little longer than a part.
fn more_than(part: usize) -> Vec<u8> {
    (0..part + 10).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect()
}

/// Whether writing fails because staged bytes are missing.
async fn fails(writing: gangplank_store::Result<Box<dyn BlobWriter>>) -> bool {
    let refused = match writing {
        Ok(writing) => writing.commit().await.map(drop),
        Err(error) => Err(error),
    };
    matches!(refused, Err(StoreError::Damaged(_)))
}

/// Writes on from a checkpoint, and pauses.
async fn write(blobs: &dyn BlobStore, key: &ContentKey, from: &Checkpoint, bytes: &[u8]) -> Checkpoint {
    let written = writer(blobs, key, from, bytes).await.unwrap().suspend().await.unwrap();
    assert_eq!(written.received, from.received + bytes.len() as u64);
    written
}

/// Writes the last bytes and publishes the content.
async fn finish(blobs: &dyn BlobStore, key: &ContentKey, from: &Checkpoint, bytes: &[u8]) -> ContentKey {
    writer(blobs, key, from, bytes).await.unwrap().commit().await.unwrap()
}

async fn publish(blobs: &dyn BlobStore, bytes: &[u8]) -> ContentKey {
    finish(blobs, &ContentKey::unused(), &beginning(), bytes).await
}

async fn bytes_of(bytes: Read) -> Vec<u8> {
    let pieces: Vec<_> = bytes.into_stream().try_collect().await.unwrap();
    pieces.concat()
}

/// The size of the whole content, and the bytes of the range.
async fn read_range(blobs: &dyn BlobStore, key: &ContentKey, range: Range<u64>) -> Option<(u64, Vec<u8>)> {
    let Reading { size, bytes } = blobs.read(key, range).await.unwrap()?;
    Some((size, bytes_of(bytes).await))
}

async fn read(blobs: &dyn BlobStore, key: &ContentKey) -> Option<Vec<u8>> {
    let size = blobs.stat(key).await.unwrap()?;
    let (whole, bytes) = read_range(blobs, key, 0..size).await.unwrap();
    assert_eq!((whole, bytes.len() as u64), (size, size));
    Some(bytes)
}
