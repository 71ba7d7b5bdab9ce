//! Hashes content that is kept, to hold it against its digest.

use std::fs::File;
use std::io::Read as _;
use std::time::{Duration, Instant};

use gangplank_oci::Hasher;
use gangplank_store::blobs::BlobStore;
use gangplank_store::metadata::inspection::KeptContent;
use tokio_util::sync::CancellationToken;

/// How much is read at once.
const PIECE: usize = 1 << 20;

/// What bytes were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bytes {
    /// Those of the digest.
    Whole,
    /// None.
    Missing,
    /// So many, which is not how many there were.
    Short(u64),
    /// As many as there were, but others.
    Damaged,
    /// Nobody knows: the reading was ended early.
    NotRead,
}

/// How fast bytes are read, and until when.
pub(crate) struct Pace<'a> {
    /// Bytes a second, at the most.
    pub(crate) rate: u64,
    /// Ends the reading early.
    pub(crate) stop: &'a CancellationToken,
}

/// Looks at the bytes of a content, all of them. Blocks.
pub(crate) fn look(
    blobs: &dyn BlobStore,
    content: &KeptContent,
    pace: Option<&Pace<'_>>,
) -> gangplank_store::Result<Bytes> {
    let Some(mut file) = blobs.open(&content.key)? else { return Ok(Bytes::Missing) };
    let length = file.metadata()?.len();
    if length != content.size {
        return Ok(Bytes::Short(length));
    }
    let (mut hasher, mut piece) = (Hasher::new(content.digest.algorithm()), vec![0; PIECE]);
    let started = Instant::now();
    loop {
        match file.read(&mut piece)? {
            0 => break,
            read => hasher.update(&piece[..read]),
        }
        if let Some(pace) = pace {
            if pace.stop.is_cancelled() {
                return Ok(Bytes::NotRead);
            }
            let due = Duration::from_millis(hasher.hashed().saturating_mul(1000) / pace.rate.max(1));
            std::thread::sleep(due.saturating_sub(started.elapsed()));
        }
    }
    Ok(if hasher.finish() == content.digest { Bytes::Whole } else { Bytes::Damaged })
}

/// Hashes a file to its end. Blocks.
pub(crate) fn feed(hasher: &mut Hasher, mut file: File) -> std::io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(()),
            read => hasher.update(&piece[..read]),
        }
    }
}
