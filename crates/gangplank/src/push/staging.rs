//! Makes of a layer, as it comes out of an archive, the blob that goes up.

use std::io::{self, BufWriter, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use gangplank_oci::{Algorithm, Digest, Hasher};

use super::content::Content;
use super::{gzip, scratch};

/// How a layer's bytes are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// A tar archive as it is, or no archive at all.
    Plain,
    Gzip,
    Zstd,
}

impl Packing {
    /// Whether the layer was compressed before it came here.
    pub(super) fn was_packed(self) -> bool {
        self != Self::Plain
    }

    /// What the first bytes say.
    pub(super) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// Set when nobody needs the result any more.
pub(super) type Stop = Arc<AtomicBool>;

/// A layer that is ready to go up.
#[derive(Clone, Debug)]
pub(super) struct Staged {
    /// What goes up.
    pub(super) digest: Digest,
    /// How it was packed when it came; what was plain goes up compressed with gzip.
    pub(super) packing: Packing,
    /// The digest of what was read; another one if it was compressed on the way.
    pub(super) original: Digest,
    pub(super) content: Content,
}

/// Reads a layer to its end, and compresses it into a scratch file if nobody has; what can go up as it is is copied
/// nowhere. `read` is told how many bytes were read. Blocks.
pub(super) fn stage_content(layer: &Content, stop: &Stop, read: &dyn Fn(u64)) -> Result<Staged> {
    let packing = Packing::of(&layer.read_at(0, 4)?);
    let hasher = Hasher::new(Algorithm::Sha256);
    let mut original = HashingReader { inner: layer.reader(), hasher, stop, read };
    if packing.was_packed() {
        io::copy(&mut original, &mut io::sink())?;
        let digest = original.hasher.finish();
        return Ok(Staged { digest, packing, original: digest, content: layer.clone() });
    }
    let hasher = Hasher::new(Algorithm::Sha256);
    let mut scratch = BufWriter::with_capacity(1 << 18, HashingWriter { inner: scratch::file()?, hasher });
    gzip::compress(&mut original, &mut scratch)?;
    let written = scratch.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(Staged {
        digest: written.hasher.finish(),
        packing,
        original: original.hasher.finish(),
        content: Content::of(written.inner).context("cannot use a temporary file")?,
    })
}

/// The first bytes of a reader, and a reader that begins with them all the same.
pub(super) fn peek<R: Read>(mut reader: R, length: usize) -> io::Result<(Vec<u8>, impl Read)> {
    let mut head = Vec::with_capacity(length);
    reader.by_ref().take(length as u64).read_to_end(&mut head)?;
    Ok((head.clone(), io::Cursor::new(head).chain(reader)))
}

struct HashingReader<'r, R> {
    inner: R,
    hasher: Hasher,
    stop: &'r Stop,
    read: &'r dyn Fn(u64),
}

impl<R: Read> Read for HashingReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("nobody needs it any more"));
        }
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        (self.read)(read as u64);
        Ok(read)
    }
}

struct HashingWriter<W> {
    inner: W,
    hasher: Hasher,
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
