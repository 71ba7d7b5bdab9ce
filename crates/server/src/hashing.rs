//! Hashes content that is kept, to hold it against its digest.

use std::time::{Duration, Instant};

use gangplank_oci::Hasher;
use gangplank_store::blobs::BlobStore;
use gangplank_store::metadata::inspection::KeptContent;
use tokio_util::sync::CancellationToken;

/// What bytes were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bytes {
    /// Those of the digest.
    Whole,
    /// None.
    Missing,
    /// So many, which is not how many there were.
    Short(u64),
    /// As many as there were, but others.
    Damaged,
    /// They cannot be read, and why: the disk may be bad there, or out of reach for a while.
    Unreadable(String),
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

/// Looks at the bytes of a content, all of them. Blocks. What cannot be read holds up no other.
pub(crate) fn look(blobs: &dyn BlobStore, content: &KeptContent, pace: Option<&Pace<'_>>) -> Bytes {
    read(blobs, content, pace).unwrap_or_else(|error| Bytes::Unreadable(error.to_string()))
}

fn read(
    blobs: &dyn BlobStore,
    content: &KeptContent,
    pace: Option<&Pace<'_>>,
) -> gangplank_store::Result<Bytes> {
    let Some(file) = blobs.open(&content.key)? else { return Ok(Bytes::Missing) };
    let length = file.metadata()?.len();
    if length != content.size {
        return Ok(Bytes::Short(length));
    }
    let mut hasher = Hasher::new(content.digest.algorithm());
    let started = Instant::now();
    let is_read = hasher.read_while(file, |hashed| {
        let Some(pace) = pace else { return true };
        if pace.stop.is_cancelled() {
            return false;
        }
        let due = Duration::from_millis(hashed.saturating_mul(1000) / pace.rate.max(1));
        std::thread::sleep(due.saturating_sub(started.elapsed()));
        true
    })?;
    if !is_read {
        return Ok(Bytes::NotRead);
    }
    Ok(if hasher.finish() == content.digest { Bytes::Whole } else { Bytes::Damaged })
}

#[cfg(test)]
mod tests {
    use gangplank_core::{AccountId, Region, Tenant};
    use gangplank_oci::Digest;
    use gangplank_store::blobs::{ContentKey, Folder};

    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_and_no_failure() {
        let home = tempfile::tempdir().unwrap();
        let blobs = Folder::open(&home.path().join("blobs")).unwrap();
        let key = ContentKey::unused();
        // A directory can be opened, has a length, and cannot be read.
        let path = home.path().join("blobs/content").join(&key.as_str()[30..]).join(key.as_str());
        std::fs::create_dir_all(&path).unwrap();
        let tenant = Tenant {
            account: AccountId::parse("000000000000").unwrap(),
            region: Region::parse("us-east-1").unwrap(),
        };
        let size = std::fs::metadata(&path).unwrap().len();
        let content = KeptContent { row: 1, tenant, digest: Digest::sha256(b""), size, key, damaged: false };
        let found = look(&blobs, &content, None);
        assert!(matches!(&found, Bytes::Unreadable(why) if why.contains("directory")), "{found:?}");
    }
}
