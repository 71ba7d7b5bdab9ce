//! Makes of a layer, as it comes out of an archive, the blob that goes up.

use std::io::{self, BufWriter, Read, Write};

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
    /// What the first bytes say.
    pub(super) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// A layer that is ready to go up.
#[derive(Clone, Debug)]
pub(super) struct Staged {
    /// What goes up.
    pub(super) digest: Digest,
    /// How it is packed.
    pub(super) packing: Packing,
    /// The digest of what was read; another one if it was compressed on the way.
    pub(super) original: Digest,
    pub(super) content: Content,
}

/// Reads a layer to its end. What is plain and `to_compress` is compressed. Blocks.
pub(super) fn stage(layer: impl Read, to_compress: bool) -> Result<Staged> {
    let (head, layer) = peek(layer, 4)?;
    let packing = Packing::of(&head);
    let mut original = HashingReader { inner: layer, hasher: Hasher::new(Algorithm::Sha256) };
    let hasher = Hasher::new(Algorithm::Sha256);
    let mut scratch = BufWriter::with_capacity(1 << 18, HashingWriter { inner: scratch::file()?, hasher });
    let compress = to_compress && packing == Packing::Plain;
    if compress {
        gzip::compress(&mut original, &mut scratch)?;
    } else {
        io::copy(&mut original, &mut scratch)?;
    }
    let written = scratch.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(Staged {
        digest: written.hasher.finish(),
        packing: if compress { Packing::Gzip } else { packing },
        original: original.hasher.finish(),
        content: Content::of(written.inner).context("cannot use a temporary file")?,
    })
}

/// The same for a layer that can be read again, which is copied nowhere if it can go up as it is.
pub(super) fn stage_content(layer: &Content) -> Result<Staged> {
    let packing = Packing::of(&layer.read_at(0, 4)?);
    if packing == Packing::Plain {
        return stage(layer.reader(), true);
    }
    let mut reader = HashingReader { inner: layer.reader(), hasher: Hasher::new(Algorithm::Sha256) };
    io::copy(&mut reader, &mut io::sink())?;
    let digest = reader.hasher.finish();
    Ok(Staged { digest, packing, original: digest, content: layer.clone() })
}

/// The first bytes of a reader, and a reader that begins with them all the same.
pub(super) fn peek<R: Read>(mut reader: R, length: usize) -> io::Result<(Vec<u8>, impl Read)> {
    let mut head = Vec::with_capacity(length);
    reader.by_ref().take(length as u64).read_to_end(&mut head)?;
    Ok((head.clone(), io::Cursor::new(head).chain(reader)))
}

struct HashingReader<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
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
