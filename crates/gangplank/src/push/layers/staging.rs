//! Makes the blob to upload from a layer of an archive.

use std::io::{self, BufWriter, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, bail, ensure};
use gangplank_oci::{Algorithm, Digest, Hasher};

use super::packing::Packing;
use super::{gzip, unpacked};
use crate::push::source::content::Content;
use crate::push::source::image::Blob;
use crate::push::spool::temp_file::{self, Bounded};

/// A flag that is set when nobody needs the result any more.
pub(crate) type Stop = Arc<AtomicBool>;

/// A layer that is ready to upload.
#[derive(Clone, Debug)]
pub(crate) struct Staged {
    /// The digest of the bytes that are uploaded.
    pub(crate) digest: Digest,
    /// The compression of the layer in the archive. An uncompressed one is uploaded with gzip.
    pub(crate) packing: Packing,
    /// The digest of the uncompressed layer.
    pub(crate) unpacked: Digest,
    pub(crate) content: Content,
}

/// Reads a layer to its end, and compresses it into a temporary file if it is uncompressed. A compressed layer is not
/// copied. Calls `read` with the number of bytes that were read. Blocks.
pub(crate) fn stage_content(layer: &Content, stop: &Stop, read: &dyn Fn(u64)) -> Result<Staged> {
    let packing = Packing::of_content(layer)?;
    if let Packing::Other(name) = packing {
        bail!(
            "is compressed with {name}, which is not taken in a layer: save the image anew, with gzip or without"
        );
    }
    let hasher = Hasher::new(Algorithm::Sha256);
    let mut original = HashingReader { inner: layer.reader(), hasher, stop, read };
    if packing != Packing::Plain {
        let unpacked =
            unpacked::digest(packing, &mut original, Algorithm::Sha256).with_context(|| broken(packing))?;
        io::copy(&mut original, &mut io::sink())?;
        let digest = original.hasher.finish();
        return Ok(Staged { digest, packing, unpacked, content: layer.clone() });
    }
    let file = temp_file::file()?;
    let hasher = Hasher::new(Algorithm::Sha256);
    let bounded = Bounded::new(file.try_clone().context("cannot use a temporary file")?, &file)?;
    let mut scratch = BufWriter::with_capacity(1 << 18, HashingWriter { inner: bounded, hasher });
    gzip::compress(&mut original, &mut scratch)?;
    let written = scratch.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(Staged {
        digest: written.hasher.finish(),
        packing,
        unpacked: original.hasher.finish(),
        content: Content::of(file).context("cannot use a temporary file")?,
    })
}

/// Refuses a compressed layer if its uncompressed content differs from its configuration. Blocks.
pub(crate) fn check(blob: &Blob) -> Result<()> {
    let Some(diff_id) = blob.diff_id else { return Ok(()) };
    let unpacked = match Packing::of_content(&blob.content)? {
        // The registry checks the bytes against the digest.
        Packing::Plain if blob.digest.algorithm() == diff_id.algorithm() => blob.digest,
        // This program cannot read the compression, but engines may be able to.
        Packing::Other(_) => return Ok(()),
        packing => unpacked::digest(packing, blob.content.reader(), diff_id.algorithm())
            .with_context(|| broken(packing))?,
    };
    require(&unpacked, &diff_id)
}

/// Refuses a layer if its digest differs from the one in its configuration.
pub(crate) fn require(unpacked: &Digest, diff_id: &Digest) -> Result<()> {
    ensure!(
        unpacked == diff_id,
        "is damaged: unpacked it has the digest {unpacked}, and by its configuration {diff_id}"
    );
    Ok(())
}

fn broken(packing: Packing) -> String {
    format!(
        "is damaged: it cannot be unpacked with {}, and may be truncated",
        packing.program().unwrap_or("anything")
    )
}

/// Reads the first bytes. Returns these bytes, and a reader of the whole content from its beginning.
pub(crate) fn peek<R: Read>(mut reader: R, length: usize) -> io::Result<(Vec<u8>, impl Read)> {
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
            return Err(io::Error::other("it is no longer needed"));
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
