//! Copies one content, and compares it with its digest on the way.

use std::io::{self, ErrorKind, Read};

use gangplank_oci::Hasher;
use gangplank_store::Result;
use gangplank_store::blobs::LocalFiles;
use gangplank_store::metadata::inspection::KeptContent;

/// How many bytes are read at once.
const PIECE: usize = 1 << 20;

/// Copies a content and publishes the copy if it is whole. Returns whether it was whole. Content that cannot be
/// read counts as damaged.
///
/// # Errors
/// If the copy cannot be written. Nothing is left of it then.
pub(super) fn copy(content: &KeptContent, from: impl Read, to: &LocalFiles) -> Result<bool> {
    let copied = write(content, from, to);
    if !matches!(copied, Ok(true)) {
        let discarded = to.cancel(&content.key);
        return copied.and_then(|whole| discarded.map(|()| whole));
    }
    copied
}

fn write(content: &KeptContent, mut from: impl Read, to: &LocalFiles) -> Result<bool> {
    let mut writer = to.writer(&content.key, Hasher::new(content.digest.algorithm()));
    let most = usize::try_from(content.size).map_or(PIECE, |size| size.clamp(1, PIECE));
    let mut piece = vec![0; most];
    let mut left = content.size;
    loop {
        let read = match from.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return Ok(false),
        };
        let Some(rest) = left.checked_sub(read as u64) else { return Ok(false) };
        left = rest;
        writer.write(&piece[..read])?;
    }
    if left > 0 || writer.hasher().clone().finish() != content.digest {
        return Ok(false);
    }
    writer.publish()?;
    Ok(true)
}

/// A reader that gives exactly as many bytes as the archive's header has announced. Bytes that are missing or
/// unreadable become zeros, and the digest then shows that the content is damaged.
pub(super) struct Exactly<R> {
    from: R,
    left: u64,
    hasher: Hasher,
    is_broken: bool,
}

impl<R: Read> Exactly<R> {
    /// The first `size` bytes of a reader.
    pub(super) fn of(from: R, size: u64, hasher: Hasher) -> Self {
        Self { from, left: size, hasher, is_broken: false }
    }

    /// The digest of the content, if all of it could be read.
    pub(super) fn digest(self) -> Option<gangplank_oci::Digest> {
        (!self.is_broken && self.left == 0).then(|| self.hasher.finish())
    }
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let wanted = &mut buffer[..most];
        let read = match self.from.read(wanted) {
            Ok(read) if read > 0 || most == 0 => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
            _ => {
                self.is_broken = true;
                wanted.fill(0);
                most
            }
        };
        self.left -= read as u64;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gangplank_core::{AccountId, Region, Tenant};
    use gangplank_oci::{Algorithm, Digest};
    use gangplank_store::blobs::ContentKey;
    use gangplank_store::open::{self, Mode};

    use super::*;

    /// Gives its bytes, then fails.
    struct Broken(&'static [u8]);

    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other("a bad sector")),
                read => Ok(read),
            }
        }
    }

    #[test]
    fn only_what_is_whole_is_published() {
        let home = tempfile::tempdir().unwrap();
        let folder = open::local_files(home.path(), Mode::Offline).unwrap();
        let content = |bytes: &[u8]| KeptContent {
            row: 1,
            tenant: Tenant { account: AccountId::root(), region: Region::default_region() },
            digest: Digest::sha256(bytes),
            size: bytes.len() as u64,
            key: ContentKey::unused(),
            damaged: false,
        };
        let whole = content(b"whole");
        for broken in [&b"whol"[..], b"wholf", b"whole and more", b""] {
            assert!(!copy(&whole, broken, &folder).unwrap());
        }
        assert!(!copy(&whole, Broken(b"whole"), &folder).unwrap());
        assert!(
            folder.size(&whole.key).unwrap().is_none() && folder.staged(Duration::ZERO).unwrap().is_empty()
        );
        assert!(copy(&whole, &b"whole"[..], &folder).unwrap());
        assert_eq!(folder.size(&whole.key).unwrap(), Some(5));
        let empty = content(b"");
        assert!(copy(&empty, &b""[..], &folder).unwrap());
    }

    #[test]
    fn as_many_bytes_come_as_were_said() {
        let read = |from: &mut dyn Read| {
            let mut exactly = Exactly::of(from, 5, Hasher::new(Algorithm::Sha256));
            let mut bytes = Vec::new();
            exactly.read_to_end(&mut bytes).unwrap();
            (bytes, exactly.digest())
        };
        assert_eq!(read(&mut &b"whole"[..]), (b"whole".to_vec(), Some(Digest::sha256(b"whole"))));
        assert_eq!(read(&mut &b"whole and more"[..]), (b"whole".to_vec(), Some(Digest::sha256(b"whole"))));
        assert_eq!(read(&mut &b"who"[..]), (b"who\0\0".to_vec(), None));
        assert_eq!(read(&mut Broken(b"who")), (b"who\0\0".to_vec(), None));
    }
}
