//! Hashes stored content, to compare it with its digest.

use std::io;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use gangplank_oci::{Algorithm, Hasher};
use gangplank_store::blobs::{BlobStore, Read};
use gangplank_store::metadata::inspection::KeptContent;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

/// The result of reading a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bytes {
    /// The bytes have the right digest.
    Whole,
    /// There are no bytes.
    Missing,
    /// There are fewer or more bytes than the row says: this many.
    Short(u64),
    /// The number of bytes is right, and their digest is wrong.
    Damaged,
    /// The bytes cannot be read. The text says why: the disk may be damaged, or not available at present.
    Unreadable(String),
    /// Unknown, because the reading was stopped early.
    NotRead,
}

/// The speed of reading, and a signal to stop it.
#[derive(Clone)]
pub(crate) struct Pace {
    /// The most bytes per second.
    pub(crate) rate: u64,
    /// The signal that stops the reading early.
    pub(crate) stop: CancellationToken,
}

/// Reads all bytes of a content, and checks them. A failure to read is a result, so that a caller can continue
/// with other content.
pub(crate) async fn look(blobs: &dyn BlobStore, content: &KeptContent, pace: Option<Pace>) -> Bytes {
    read(blobs, content, pace).await.unwrap_or_else(|error| Bytes::Unreadable(error.to_string()))
}

async fn read(
    blobs: &dyn BlobStore,
    content: &KeptContent,
    pace: Option<Pace>,
) -> gangplank_store::Result<Bytes> {
    let Some(reading) = blobs.read(&content.key, 0..content.size).await? else { return Ok(Bytes::Missing) };
    if reading.size != content.size {
        return Ok(Bytes::Short(reading.size));
    }
    let Some(hasher) = hash(reading.bytes, content.digest.algorithm(), pace).await? else {
        return Ok(Bytes::NotRead);
    };
    Ok(if hasher.finish() == content.digest { Bytes::Whole } else { Bytes::Damaged })
}

/// Hashes bytes on a blocking thread. `None` if it was stopped early.
///
/// # Errors
/// If the bytes cannot be read.
pub(crate) async fn hash(
    bytes: Read,
    algorithm: Algorithm,
    pace: Option<Pace>,
) -> io::Result<Option<Hasher>> {
    let runtime = Handle::current();
    let hashing = spawn_blocking(move || runtime.block_on(hash_here(bytes, algorithm, pace.as_ref())));
    hashing.await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

async fn hash_here(bytes: Read, algorithm: Algorithm, pace: Option<&Pace>) -> io::Result<Option<Hasher>> {
    let (mut hasher, mut bytes, started) = (Hasher::new(algorithm), bytes.into_stream(), Instant::now());
    while let Some(piece) = bytes.try_next().await? {
        hasher.update(&piece);
        let Some(pace) = pace else { continue };
        if pace.stop.is_cancelled() {
            return Ok(None);
        }
        let due = Duration::from_millis(hasher.hashed().saturating_mul(1000) / pace.rate.max(1));
        tokio::time::sleep(due.saturating_sub(started.elapsed())).await;
    }
    Ok(Some(hasher))
}

#[cfg(test)]
mod tests {
    use gangplank_core::{AccountId, Region, Tenant};
    use gangplank_oci::Digest;
    use gangplank_store::blobs::{ContentKey, Folder};

    use super::*;

    #[tokio::test]
    async fn what_cannot_be_read_is_told_and_no_failure() {
        let home = tempfile::tempdir().unwrap();
        let blobs = Folder::open(&home.path().join("blobs")).unwrap();
        let key = ContentKey::unused();
        // A directory can be opened and has a length, but cannot be read.
        let path = home.path().join("blobs/content").join(&key.as_str()[30..]).join(key.as_str());
        std::fs::create_dir_all(&path).unwrap();
        let tenant = Tenant {
            account: AccountId::parse("000000000000").unwrap(),
            region: Region::parse("us-east-1").unwrap(),
        };
        let size = std::fs::metadata(&path).unwrap().len();
        let content = KeptContent { row: 1, tenant, digest: Digest::sha256(b""), size, key, damaged: false };
        let found = look(&blobs, &content, None).await;
        assert!(matches!(&found, Bytes::Unreadable(why) if why.contains("directory")), "{found:?}");
    }
}
